"""The frozen records, their digests, and what things in a run are called; nothing here reads a service."""
