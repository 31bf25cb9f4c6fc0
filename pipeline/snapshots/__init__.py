"""Publishes, fetches, lists and collects snapshots and splits in the data repository.

What a snapshot holds is in `graphs`.
"""
