from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipeline.records.findings import LeakInvariant


def test_an_invariant_passes_only_without_violations() -> None:
    assert LeakInvariant(name="x", checked=5, violations=0).passed
    assert not LeakInvariant(name="x", checked=5, violations=1).passed


@pytest.mark.parametrize(
    ("checked", "violations", "passed", "says"),
    [
        (5, 1, True, "passed: True with 1 violations of 5"),
        (5, 0, False, "passed: False with 0 violations of 5"),
        (5, 6, False, "6 violations of 5 checked"),
    ],
)
def test_a_verdict_that_its_counts_deny_is_refused(checked: int, violations: int, passed: bool, says: str) -> None:
    with pytest.raises(ValidationError, match=rf"disjoint says .*{says}.*count it again"):
        LeakInvariant(name="disjoint", checked=checked, violations=violations, passed=passed)
