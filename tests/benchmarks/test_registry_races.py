from __future__ import annotations

import pytest

from benchmarks.registry_races import KINDS, fault

AFTER = {"champion": 3, "previous": 1, "challenger": 3}
TWICE, KEY, CHALLENGERS = KINDS


@pytest.mark.parametrize(
    ("kind", "said", "made", "aliases", "wrong"),
    [
        (TWICE, [3, 3], {3}, AFTER, None),
        (TWICE, [3, 4], {3, 4}, AFTER, "made versions"),  # the fault this was written for
        (TWICE, [3, 3], {3, 4}, AFTER, "made versions"),  # a version left over
        (TWICE, [3, "InvalidInput: x"], {3}, AFTER, "one try of the run failed"),
        (KEY, [3, "NothingToDo: x"], {3}, AFTER, None),
        (KEY, ["NothingToDo: x", "NothingToDo: y"], {3}, AFTER, "answers"),
        (CHALLENGERS, [3, "Overtaken: x"], {3, 4}, AFTER, None),
        (CHALLENGERS, [3, 4], {3, 4}, AFTER, "answers"),  # both think that they won
        (CHALLENGERS, [3, "Overtaken: x"], {3, 4}, AFTER | {"champion": 4}, "aliases"),
        (CHALLENGERS, [3, "Overtaken: x"], {3, 4}, AFTER | {"previous": 2}, "aliases"),
    ],
)
def test_race_that_left_anything_else_is_told(
    kind: str, said: list[int | str], made: set[int], aliases: dict[str, int], wrong: str | None
) -> None:
    found = fault(kind, said, made, 1, aliases)
    assert (found is None) == (wrong is None)
    assert found is None or found.startswith(wrong or "")
