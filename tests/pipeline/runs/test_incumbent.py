from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel, Positions
from ncnc_core.networks.link_network import LinkNetwork
from pipeline.graphs.tables import GraphTables
from pipeline.registry.facts import ModelVersion
from pipeline.runs.folder import RunFolder
from pipeline.runs.incumbent import Incumbent, readable, why_not_comparable, why_untimed
from pipeline.splits.arrays import SplitArrays
from tests.fixtures.house import FIRST_NIGHT, House
from tests.fixtures.split_records import split_record

NO_EDGES = np.zeros((2, 0), dtype=np.int64)
NO_TIMES = np.zeros(0, dtype=np.int64)


def tonight(node_ids: list[int], num_features: int = 0) -> GraphTables:
    features = np.zeros((len(node_ids), num_features), dtype=np.float32) if num_features else None
    return GraphTables(np.array(node_ids), features, NO_EDGES, NO_TIMES, NO_TIMES, NO_TIMES)


@pytest.mark.parametrize(
    ("tables", "reason"),
    [
        (tonight([10, 20, 30, 40]), None),
        (tonight([10, 20, 30, 40, 50]), None),  # new nodes go at the end
        (tonight([10, 30, 20, 40]), "not the first of tonight's"),  # an id map that was shifted
        (tonight([10, 20, 30]), "not the first of tonight's"),
        (tonight([10, 20, 30, 40], num_features=3), "takes 0 node features, tonight's graph has 3"),
    ],
)
def test_champion_is_compared_only_where_its_positions_and_features_mean_the_same(
    make_model: Callable[..., Path], tables: GraphTables, reason: str | None
) -> None:
    found = why_not_comparable(LinkModel.load(make_model([10, 20, 30, 40])), tables)
    assert found is None if reason is None else reason in str(found)


def test_champion_with_a_vector_a_node_can_score_a_graph_that_has_grown() -> None:
    config = ModelConfig(predictor="ncn", hidden_channels=4, node_embedding="only")
    ring = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
    network = LinkNetwork(config, num_features=0, num_ids=4).eval()
    champion = LinkModel(config, network, Adjacency.from_edges(ring, 4), None, [10, 20, 30, 40])
    assert why_not_comparable(champion, tonight([10, 20, 30, 40, 50])) is None
    grown = Adjacency.from_edges(torch.cat([ring, torch.tensor([[4], [0]])], 1), 5)
    assert champion.score_pairs(Positions(torch.tensor([[4], [1]])), adjacency=grown).isfinite().all()


def test_champion_that_reads_times_is_not_compared_where_a_hash_divides_the_edges(
    make_model: Callable[..., Path],
) -> None:
    untimed = LinkModel.load(make_model())
    timed = replace(untimed, config=ModelConfig(predictor="temporal_ncn"))
    splits = split_record(None, None), split_record(None, 100), split_record(50, 100)
    assert [why_untimed(untimed, split) for split in splits] == [None] * 3
    assert [why_untimed(timed, split) for split in splits[1:]] == [None] * 2
    assert "tonight's hashed split has no times to test with" in str(why_untimed(timed, splits[0]))


def test_champion_in_another_versions_format_is_no_failure_of_the_night(make_model: Callable[..., Path]) -> None:
    folder = make_model()
    assert isinstance(readable(folder), LinkModel)
    description = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(description | {"format": 1}))
    assert "the champion cannot be read" in str(readable(folder))
    assert "is in format 1" in str(readable(folder))


def test_champion_has_seen_the_graph_it_carries_and_the_split_it_was_made_on(
    house: House, make_model: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = LinkModel.load(make_model([10, 20, 30, 40]))
    version = ModelVersion("small", 3, "run", "model", "5" * 64, "small-x", FIRST_NIGHT, (), {})
    folder = RunFolder(tmp_path / "small-20260102T030000Z")
    assert len(Incumbent(version, model, "").seen(folder, house.doors)) == 1
    assert "the split of version 3 cannot be read" in caplog.text
    assert "No snapshot or split is published as split/" in caplog.text

    pair = {name: torch.tensor([[0], [place]]) for place, name in enumerate(("train", "valid", "test"), start=1)}
    none = torch.zeros(2, 0, dtype=torch.int64)
    rest = dict.fromkeys(("message_train", "message_test", "known_train", "valid_negatives", "test_negatives"), none)
    (tmp_path / "split").mkdir()
    SplitArrays(**pair, **rest, test_first_seen=torch.zeros(1, dtype=torch.int64)).save(tmp_path / "split")
    house.doors.snapshots.publish_split(tmp_path / "split", graph="small", as_of=FIRST_NIGHT, run_key="5" * 64)
    seen = torch.cat(Incumbent(version, model, "").seen(folder, house.doors), 1)
    assert seen.T.tolist() == [[0, 1], [1, 2], [2, 3], [0, 1], [0, 2], [0, 3]]
    assert Incumbent(version, None, "it cannot be read").seen(folder, house.doors) == ()
