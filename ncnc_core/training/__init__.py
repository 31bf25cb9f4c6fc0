"""One network trained on one machine: data, batches, loss, epochs, checkpoints.

A night's training is in `pipeline.training`.
"""
