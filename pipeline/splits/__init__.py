"""A graph divided, its arrays and its certificate; pure."""
