"""Graphs, features and pairs as people have them."""
