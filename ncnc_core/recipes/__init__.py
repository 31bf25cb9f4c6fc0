"""What to train with: published settings as YAML, or settings chosen for the graph at hand.

The classes that they fill are in `config`.
"""
