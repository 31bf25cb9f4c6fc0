"""What is old in registry and runs, and may go."""
