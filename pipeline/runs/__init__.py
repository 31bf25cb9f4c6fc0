"""A run: its folder, data, key, machine, and the champion it is compared with; the steps are in `steps`."""
