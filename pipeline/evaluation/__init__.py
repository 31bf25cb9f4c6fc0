"""Challenger, champion and heuristics on the same pairs."""
