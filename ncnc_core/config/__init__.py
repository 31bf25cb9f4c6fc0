"""Model and training configurations and their closed choices; nothing here loads torch."""
