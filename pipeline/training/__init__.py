"""A night's training, where it begins, and searches over it."""
