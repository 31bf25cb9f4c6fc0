"""The command line, one file for each group of verbs, with the tables it prints; the work is done in other packages."""
