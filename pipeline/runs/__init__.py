"""A run: its folder, data, key, machine, and the champion, compared or on another graph; the steps are in `steps`."""
