from __future__ import annotations

import pytest

from benchmarks.drawn_tenures import overlapping_tenures, staying_luck
from pipeline.promotion.shadow import ShadowRule


@pytest.mark.slow  # 40 tenures of 20 nights, twice
def test_edges_that_count_on_several_nights_would_break_the_promise() -> None:
    """The fault planted: a window that reaches back over nights counts whole on each of them."""
    loose = ShadowRule(alpha=2.0, minimum_tenure=20)  # a level of 0.05: few tenures show the fault
    once, whole = overlapping_tenures(loose, tenures=40, edges=40)
    assert once <= 4
    assert whole > once


def test_what_models_have_learnt_stays_theirs() -> None:
    luck = staying_luck(ShadowRule(minimum_tenure=3), tenures=4, edges=60)
    assert luck.tenures == 4
    assert luck.deviation > 0
