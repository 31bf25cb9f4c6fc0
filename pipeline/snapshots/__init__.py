"""Door 2: the data repository (DVC)."""
