"""Deletes old model versions, checkpoints and run folders by a policy; old snapshots are deleted in `snapshots`."""
