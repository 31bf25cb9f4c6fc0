"""A graph in memory and as files, and what changed since the last snapshot; `snapshots` publishes it."""
