"""Graphs with dates: rules of recency, boosted trees, the published method and the temporal model on the same night."""
