"""Batches cut out of a graph that is too large to encode whole; the sampling loops are in `kernels`."""
