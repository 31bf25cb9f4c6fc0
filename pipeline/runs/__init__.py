"""Door 4: a run's folder, data, key and incumbent."""
