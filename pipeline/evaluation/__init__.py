"""Scores the challenger, the champion and the heuristics on the same pairs. The verdict is in `promotion`."""
