from __future__ import annotations

import pytest

from ncnc_core.durations import spoken_seconds


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (89.0, "89 s"), (90.0, "2 min"), (3600.0, "60 min"), (7200.0, "2 h"), (12_010.0, "3 h 20 min")],
)
def test_durations_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert spoken_seconds(seconds) == said
