from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.node_sharing import NEGATIVES, PAIRS, of_heuristics, of_trainings, sharing, shown, weeks
from pipeline.params.params import Params


def dumps() -> list[tuple[str, np.ndarray[tuple[int, int], np.dtype[np.int64]]]]:
    """Three weeks of one network: most links, then some more, then all of them."""
    generator = np.random.default_rng(0)
    edges = np.unique(np.sort(generator.integers(0, 90, (700, 2)), axis=1), axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    order = generator.permutation(len(edges))
    return [(f"week {at}", edges[order[:count]]) for at, count in enumerate((400, 480, len(edges)))]


def test_a_weeks_edges_are_those_that_no_earlier_week_listed() -> None:
    series = dumps()
    series[1] = (series[1][0], series[1][1][50:])  # fifty links are gone for a week, and return
    found = weeks(iter(series), last=1)
    assert [week.date for week in found] == ["week 2"]
    (week,) = found
    before = {tuple(edge) for _, edges in series[:2] for edge in edges.tolist()}
    listed = {tuple(edge) for edge in week.positives.T.tolist()}
    assert listed == {tuple(edge) for edge in series[2][1].tolist()} - before
    assert week.negatives.shape[1] == NEGATIVES * week.positives.shape[1]
    assert week.graph.edges().shape[1] == len(series[1][1])


def test_heuristics_are_compared_by_edge_and_by_node() -> None:
    (week,) = weeks(iter(dumps()), last=1)
    found = of_heuristics(week)
    assert [(part.first, part.second) for part in found] == list(PAIRS)
    assert all(part.edges == week.positives.shape[1] and part.ratio > 0 for part in found)
    assert "adamic_adar" in "".join(str(cell) for column in shown(found).columns for cell in column.cells)


def test_a_hub_on_which_one_scorer_gains_widens_the_interval() -> None:
    (week,) = weeks(iter(dumps()), last=1)
    hub = torch.bincount(week.positives.flatten()).argmax()
    gained = (week.positives == hub).any(0).double()
    found = sharing(week, ("gains", gained), ("plain", torch.zeros_like(gained)))
    assert found.ratio > 1.2
    assert found.resampled_by == "node"
    assert found.hub_share == pytest.approx(gained.mean().item(), abs=1e-3)


def test_two_trainings_differ_by_their_seed_alone() -> None:
    (week,) = weeks(iter(dumps()), last=1)
    params = Params.model_validate({"train": {"model": {"hidden_channels": 8}, "training": {"epochs": 1}}})
    found = of_trainings(week, params)
    assert (found.first, found.second) == ("training, seed 1", "training, seed 0")
    assert found.deviation > 0
