from __future__ import annotations

from ncnc_core.errors import InvalidGraph


def test_callers_of_the_core_alone_can_catch_a_value_error() -> None:
    assert issubclass(InvalidGraph, ValueError)
