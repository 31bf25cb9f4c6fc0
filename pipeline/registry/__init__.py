"""The door to MLflow: runs, model versions, aliases; who becomes champion is decided in `promotion`."""
