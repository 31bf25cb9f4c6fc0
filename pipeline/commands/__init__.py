"""The command line, a file a group of verbs, with its tables."""
