"""Which pairs train, validate and test, against which negatives, and the counts that show that nothing leaks.

Files are in `pipeline.splits`.
"""
