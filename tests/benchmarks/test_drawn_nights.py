from __future__ import annotations

import pytest
import torch

from benchmarks.drawn_nights import CHAMPION_MRR, Setting, drawn_edges, drawn_night, report_of, sliced_night
from pipeline.params.decide import DecideParams
from pipeline.promotion.gate import decide
from tests.fixtures.paired import paired

PLAIN = Setting("plain", (0.1,), 0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_hubs_hold_their_shares_of_the_edges() -> None:
    edges = drawn_edges(500, (0.3, 0.1), generator())
    degree = torch.bincount(edges.flatten())
    assert edges.shape == (2, 500)
    assert degree[:2].tolist() == [150, 50]
    assert int(degree[2:].max()) < 50
    # In no order: a slice of the first edges is no hub's alone.
    assert 5 < int((edges[0, :50] == 0).sum()) < 30


@pytest.mark.parametrize("gain", [0.0, 0.05, -0.05])
def test_a_model_is_better_by_just_what_is_stated(gain: float) -> None:
    night = drawn_night(20_000, PLAIN, gain, generator())
    assert night.champion.mean().item() == pytest.approx(CHAMPION_MRR, abs=0.01)
    difference = night.challenger - night.champion
    assert difference.mean().item() == pytest.approx(gain, abs=3 * difference.std().item() / 20_000**0.5)


def test_gains_may_differ_from_edge_to_edge() -> None:
    gains = torch.full((4_000,), 0.1)
    gains[:2_000] = -0.1
    night = drawn_night(4_000, PLAIN, gains, generator())
    difference = night.challenger - night.champion
    assert difference[:2_000].mean().item() == pytest.approx(-0.1, abs=0.02)
    assert difference[2_000:].mean().item() == pytest.approx(0.1, abs=0.02)


def test_luck_on_nodes_is_shared_by_a_hubs_edges() -> None:
    hub_alone = Setting("hub", (0.9,), 0.45)
    means = [drawn_night(300, hub_alone, 0.0, generator(seed)) for seed in range(40)]
    spread = torch.stack([(night.challenger - night.champion).mean() for night in means]).std().item()
    assert spread > 3 * 0.26 / 300**0.5


def test_nothing_but_the_comparison_decides_on_the_report() -> None:
    assert decide(report_of(paired(0.1, 0.05, 0.15)), DecideParams()).promote
    kept = decide(report_of(paired(0.1, -0.05, 0.25)), DecideParams())
    assert [rule.name for rule in kept.rules if not rule.passed] == ["superiority_over_champion"]


def test_a_sliced_night_has_every_edge_in_one_slice_of_each_kind() -> None:
    evaluation = sliced_night(200, PLAIN, 0.0, generator())
    counts: dict[str, int] = {}
    for part in evaluation.slices:
        counts[part.kind] = counts.get(part.kind, 0) + part.num_edges
    assert counts == {"degree": 200, "node_age": 200}
