"""The door to the data repository: publish, fetch, list and collect snapshots and splits.

What a graph means is in `graphs`.
"""
