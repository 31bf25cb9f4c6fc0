"""Batches of recommendations."""
