"""Scores the challenger, the champion and the floor on the same pairs. The verdict is in `promotion`."""
