"""Divides a graph into train, validation and test, and certifies it. Nothing here publishes."""
