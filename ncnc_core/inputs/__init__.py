"""Graphs, features and pairs in the forms that people have them, turned into tensors.

Tables of a delivery are in `pipeline.sources`.
"""
