"""Batches cut out of a graph that is too large to be encoded whole."""
