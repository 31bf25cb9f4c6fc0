"""params.yaml: its sections, bounds and file; what only says where things live is in `environment`."""
