"""What the DAG files share: the operator that runs one step."""
