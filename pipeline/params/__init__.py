"""params.yaml: its sections, bounds and file. Where things live is in `environment`."""
