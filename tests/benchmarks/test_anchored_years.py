from __future__ import annotations

import numpy as np
import pytest

from benchmarks.anchored_years import KINDS, MARGIN, drawn_differences, losses, main

NIGHTS = drawn_differences(40, 100)


def test_differences_of_equal_models_favour_neither() -> None:
    value, below = NIGHTS
    assert value.mean() == pytest.approx(0)
    assert (below > 0).all()


def test_without_an_anchor_allowed_losses_add_up_and_with_one_they_do_not() -> None:
    worse = "each worse by 0.01 than the champion"
    without, anchored = (losses(worse, NIGHTS, anchored=asked, years=50) for asked in (False, True))
    assert np.median(without.most) > 5 * MARGIN
    assert np.median(anchored.most) < 2 * MARGIN
    assert without.promotions > anchored.promotions


def test_the_command_plays_every_kind_of_year(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--nights", "20", "--years", "5", "--edges", "60"]) == 0
    shown = capsys.readouterr().out
    assert all(shown.count(kind) == 2 for kind in KINDS)
