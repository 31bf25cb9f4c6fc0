"""The graph as sorted rows, its samples, its history, and sums over rows."""
