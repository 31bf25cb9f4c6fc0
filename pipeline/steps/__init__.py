"""The seven steps of a night, one file each with one `run`; each calls the package that does the work."""
