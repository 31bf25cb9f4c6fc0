"""The evaluation: one self-contained HTML page a night; the figures come from the records."""
