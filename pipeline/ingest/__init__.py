"""From a delivery to tonight's checked graph."""
