"""A night's training: its data, the weights it begins with, and searches around its recipe.

The loop itself is in `ncnc_core.training`.
"""
