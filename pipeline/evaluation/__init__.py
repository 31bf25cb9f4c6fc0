"""Challenger, champion and heuristics scored on the same pairs; the verdict is in `promotion`."""
