"""Common neighbours for two special cases: dense graphs, as rows of bits, and sampled batches.

The general search is in `graph.neighbor_search`; what a model makes of the neighbours is in `networks`.
"""
