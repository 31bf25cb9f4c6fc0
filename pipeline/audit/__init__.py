"""From a version back to the bytes."""
