"""Batches of recommendations: plan, shards, folder; ranking the links of a node is in `ncnc_core.serving`."""
