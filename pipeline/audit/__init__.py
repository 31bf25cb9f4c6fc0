"""The audit: from a model version back to the bytes that made it; it changes nothing."""
