"""Which neighbours two nodes share: as lists (sparse) or bits (dense), on CPU (kernels) or anywhere (tensors)."""
