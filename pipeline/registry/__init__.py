"""MLflow's side: runs, packed models, versions and aliases. Who becomes champion is decided in `promotion`."""
