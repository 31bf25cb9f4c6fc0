"""Which neighbours two nodes share, as lists or as bits; what a model makes of them is in `networks`."""
