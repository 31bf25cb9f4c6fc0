"""Four nights of which the first alone promotes: what is served, and recommended, is of each night's own graph."""

from __future__ import annotations

import itertools

import pyarrow.parquet as pq
import pytest

from ncnc_core.random_spatial_network import NetworkDay, evolve
from pipeline.ledger.entries import GraphRefreshed
from pipeline.records.evaluation import EvaluationRecord
from pipeline.runs.folder import RunFolder
from tests.fixtures.house import NETWORK, House


def edges_of(day: NetworkDay) -> set[frozenset[int]]:
    return {frozenset(pair) for pair in day.node_ids[day.edges].T.tolist()}


def recommended(house: House, night: int) -> set[frozenset[int]]:
    output = house.folder / f"links-{night}"
    argv = ["recommend", "small@champion", "-k", "10", "--output", str(output), "--workers", "1"]
    assert house.call(*argv)[0] == 0
    links = [pq.read_table(part, columns=["source", "target"]).to_pydict() for part in output.glob("part-*.parquet")]
    return {frozenset(pair) for part in links for pair in zip(part["source"], part["target"], strict=True)}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_no_recommended_link_exists_in_the_newest_snapshot_over_four_nights(house: House) -> None:
    days = list(itertools.islice(evolve(NETWORK), 4))
    for night, day in enumerate(days, start=1):
        house.deliver(night, day)
        codes = house.night(night)
        if night == 1:
            assert codes == [0] * 6
            assert house.step("refresh", 1) == 99  # the promoted version has this graph
            # From here on nothing is promoted, and refreshes go on.
            assert house.call("registry", "pin", "1", "--graph", "small", "--reason", "four nights")[0] == 0
        else:
            assert (codes[-1], house.entries()[-1].outcome) == (99, "kept")
            assert house.step("refresh", night) == 0
        links = recommended(house, night)
        assert links
        assert not links & edges_of(day)

    refreshes = [entry for entry in house.doors.ledger.entries("small") if isinstance(entry, GraphRefreshed)]
    assert [(entry.version, entry.weights_of, entry.previous) for entry in refreshes] == [
        (2, 1, 1),
        (3, 1, 2),
        (4, 1, 3),
    ]
    assert "MRR" in refreshes[-1].why  # it was judged on fresh edges
    evaluation = RunFolder(house.run_dir(4)).get(EvaluationRecord)
    assert evaluation.champion is not None
    assert evaluation.champion.version == 1  # the weights, as they were compared on every night
    # What the champion has seen is what its weights have: edges of nights 2 and 3 are fresh on night 4.
    assert evaluation.num_test_edges >= 30
    assert all(item.passed for item in evaluation.certificate)
    code, line = house.call("audit", "model", "small@champion")
    assert (code, line["wrong"]) == (0, [])
