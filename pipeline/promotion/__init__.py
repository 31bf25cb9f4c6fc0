"""The gate (pure), registration, nomination, card."""
