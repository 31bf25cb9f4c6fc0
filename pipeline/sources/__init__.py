"""Door 1: deliveries (Ibis, DuckDB)."""
