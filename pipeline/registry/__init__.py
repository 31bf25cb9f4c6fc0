"""Door 3: runs, versions, aliases (MLflow)."""
