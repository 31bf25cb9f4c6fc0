"""What is old in the registry and in the runs and may be deleted; snapshots are collected in `snapshots`."""
