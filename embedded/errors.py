"""What can go wrong with the embedded stack, said with where to look."""

from __future__ import annotations


class StackError(Exception):
    """A component did not start, did not stop, or a request to it failed."""


class DemoError(Exception):
    """The demo cannot run, or what it saw contradicts what must happen."""
