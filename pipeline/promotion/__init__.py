"""The gate, and what follows it: nomination, registration, the model card; the figures come from `evaluation`."""
