"""A graph divided, its arrays, and its leak certificate; pure functions, which publish nothing."""
