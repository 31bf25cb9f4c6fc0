"""A snapshot in memory and as files, and what changed since the last one; publishing it is in `snapshots`."""
