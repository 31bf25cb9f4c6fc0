from __future__ import annotations

from ncnc_core.heuristic_names import HEURISTIC_NAMES
from ncnc_core.heuristics import HEURISTICS


def test_every_heuristic_has_its_name_and_every_name_its_heuristic_in_one_order() -> None:
    assert tuple(HEURISTICS) == HEURISTIC_NAMES
