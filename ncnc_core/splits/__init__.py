"""Which pairs train, validate and test, against which negatives, and that nothing leaks."""
