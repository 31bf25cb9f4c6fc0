from __future__ import annotations

import torch

from pipeline.refreshes.newest_graph import newest_graph
from tests.fixtures.kept_nights import KeptNights


def test_graph_of_a_night_comes_with_its_fresh_edges_and_the_graph_without_them(nights: KeptNights) -> None:
    nights.decided(1, promote=False)
    nights.decided(2, promote=False)
    published = nights.doors.snapshots.latest(nights.graph)
    assert published is not None
    with newest_graph(published, nights.doors) as newest:
        assert newest.record is not None
        assert newest.record.tag == published.tag == nights.tags[-1]
        fresh = newest.fresh_edges(nights.as_of(1), reads_times=False, doors=nights.doors)
        assert not isinstance(fresh, str)
        assert fresh.positives.tolist() == [[0], [2]]
        assert fresh.negatives.tolist() == [[0], [3]]
        assert not fresh.graph.has(torch.tensor([[0], [2]])).any()
        seen = newest.fresh_edges(nights.as_of(2), reads_times=False, doors=nights.doors)
        assert not isinstance(seen, str)
        assert seen.positives.shape == (2, 0)  # what the weights have seen tests nothing
        timed = newest.fresh_edges(nights.as_of(1), reads_times=True, doors=nights.doors)
        assert timed == "the model reads when edges came, and the hashed split has no times to test with"


def test_snapshot_without_a_night_leaves_nothing_behind_it(nights: KeptNights) -> None:
    nights.publish(1)
    published = nights.doors.snapshots.latest(nights.graph)
    assert published is not None
    with newest_graph(published, nights.doors) as newest:
        assert newest.record is None
        assert newest.columns(nights.doors) is None
        assert newest.tables.node_ids.tolist() == [10, 20, 30, 40]
        assert newest.fresh_edges(nights.as_of(1), reads_times=False, doors=nights.doors) == (
            "the night of this graph has made no split"
        )
        kept = newest.folder.path
    assert not kept.exists()
    assert not (nights.doors.environment.home / "runs").exists()
