"""The one error the core raises for input that breaks a rule."""

from __future__ import annotations


class InvalidGraph(ValueError):
    """A graph, a pair or a configuration breaks a rule. The message gives the rule, the value and the remedy."""
