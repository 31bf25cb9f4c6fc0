"""One network trained: data, batches, step, run, checkpoint, validation."""
