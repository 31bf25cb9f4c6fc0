"""What is old in the registry and in the run folders, and is deleted by a policy; see `snapshots` for snapshots."""
