from __future__ import annotations

import logging
from collections.abc import Mapping

import pytest

from ncnc_core.training.work import WorkDone
from pipeline.training.work_log import FIRST_SECONDS, NEXT_SECONDS, WorkLog


def test_first_line_comes_within_ten_seconds_and_then_one_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now, kept = [0.0], list[tuple[Mapping[str, float], int]]()
    hear = WorkLog(lambda figures, step: kept.append((figures, step)), clock=lambda: now[0])
    with caplog.at_level(logging.INFO, logger="pipeline"):
        for second in range(130):  # a batch a second
            now[0] = float(second)
            hear(WorkDone("training", second * 1000, 1_000_000, float(second), 720.0))
    assert [message.split(":")[0] for message in caplog.messages] == ["training"] * 3
    assert caplog.messages[0] == "training: 5,000 of at most 1,000,000 pairs, 12 min left at most"
    assert [step for _, step in kept] == [5_000, 65_000, 125_000]
    assert FIRST_SECONDS < 10 <= NEXT_SECONDS
    assert kept[0][0] == {"pairs_done": 5_000.0, "pairs_planned": 1_000_000.0, "seconds_left": 720.0}


def test_a_short_training_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    hear = WorkLog(lambda figures, step: pytest.fail("nothing is due"), clock=lambda: 0.0)
    with caplog.at_level(logging.INFO, logger="pipeline"):
        hear(WorkDone("training", 5, 10, 0.1, 0.1))
    assert not caplog.messages


def test_a_control_speaks_under_its_own_name(caplog: pytest.LogCaptureFixture) -> None:
    now, kept = [0.0], list[Mapping[str, float]]()
    hear = WorkLog(lambda figures, _: kept.append(figures), name="control", clock=lambda: now[0])
    now[0] = 6.0
    with caplog.at_level(logging.INFO, logger="pipeline"):
        hear(WorkDone("validating", 1, 2, 6.0, None))
    assert caplog.messages == ["control validating: 1 of at most 2 pairs"]
    assert kept[0].keys() == {"control_pairs_done", "control_pairs_planned"}


def test_what_is_read_before_a_training_is_said_and_is_no_metric(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    hear = WorkLog(lambda figures, _: pytest.fail(f"{figures} are of pairs"), clock=lambda: now[0])
    now[0] = 6.0
    with caplog.at_level(logging.INFO, logger="pipeline"):
        hear(WorkDone("reading", 3, 20, 6.0, None, unit="parts"))
    assert caplog.messages == ["reading: 3 of at most 20 parts"]
