"""From a delivery to tonight's checked graph; reading it is in `sources`, publishing it in `snapshots`."""
