"""Overlap without a search of rows: as bits on dense graphs, or drawn ahead; what it adds to a score: `networks`."""
