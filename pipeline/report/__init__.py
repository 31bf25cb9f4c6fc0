"""The report: one HTML page for each night, made from its records. Nothing here computes a score."""
