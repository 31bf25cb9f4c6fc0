"""Named recipes: the settings of the published experiments, and ours beside them, as YAML."""
