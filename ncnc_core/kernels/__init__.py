"""Compiled loops for the CPU, each with a plain twin that the tests hold it against.

What a graph or a pair means is said elsewhere.
"""
