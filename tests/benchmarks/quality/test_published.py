from __future__ import annotations

from benchmarks.quality.methods import METHODS
from benchmarks.quality.protocol import PROTOCOLS
from benchmarks.quality.published import PUBLISHED, published


def test_every_published_figure_belongs_to_a_protocol_and_a_row() -> None:
    assert set(PUBLISHED) == set(PROTOCOLS)
    assert {name for figures in PUBLISHED.values() for name in figures} - set(METHODS) == {"mplp"}


def test_both_rows_of_a_model_stand_beside_one_figure() -> None:
    found = published("cora", "ncn")
    assert found is not None
    assert found.text == "89.05 ± 0.96"
    assert published("cora", "ncn-as-published") == found
    assert published("usair", "ours") == published("usair", "ncnc")


def test_a_figure_without_a_spread_shows_none() -> None:
    found = published("ogbl_ddi", "cn")
    assert found is not None
    assert found.text == "17.73"
    assert published("ogbl_ddi", "gae") is None
