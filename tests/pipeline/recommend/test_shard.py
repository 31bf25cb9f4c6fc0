from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.serving import ranked_links
from pipeline.errors import InvalidInput
from pipeline.recommend.plan import RecommendationPlan
from pipeline.recommend.shard import write_shard

PLAN = RecommendationPlan(
    model="demo@3", model_sha256="a" * 64, code_version="b" * 64, k=3, candidates_per_node=6, prior=None,
    num_nodes=60, nodes_sha256=None, shard_nodes=60,
)  # fmt: skip


@pytest.fixture(scope="module")
def model() -> LinkModel:
    """An untrained model of a random graph, its ids text."""
    generator = torch.Generator().manual_seed(0)
    edges = torch.randint(60, (2, 150), generator=generator)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = ModelConfig(hidden_channels=8)
        network = LinkNetwork(config, num_features=0).eval()
    return LinkModel(config, network, Adjacency.from_edges(edges, 60), None, [f"n{i:02d}" for i in range(60)])


def test_a_shard_holds_the_models_recommendations_and_no_edge(model: LinkModel, tmp_path: Path) -> None:
    rows = write_shard(model, torch.arange(10, 20), PLAN, tmp_path / "part", workers=1)
    table = pq.read_table(tmp_path / "part")
    expected = model.recommend([f"n{i}" for i in range(10, 20)], 3, candidates=6)
    found = list(zip(*(table[name].to_pylist() for name in ("source", "target", "rank")), strict=True))
    assert found == [(row.source, row.target, row.rank) for row in expected]
    assert table["score"].to_pylist() == pytest.approx([row.score for row in expected], abs=1e-5)
    assert rows == table.num_rows == 30
    assert not any(row.known for row in expected)
    assert [str(field.type) for field in table.schema] == ["string", "string", "float", "int32"]
    assert table.schema.metadata[b"ncnc.model"] == b"demo@3"
    assert table.schema.metadata[b"ncnc.plan_sha256"].decode() == PLAN.sha256


def test_workers_and_torchs_threads_change_no_byte(
    model: LinkModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranked_links, "PAIRS_AT_ONCE", 200)
    monkeypatch.setattr(ranked_links, "NODES_AT_ONCE", 4)
    before = torch.get_num_threads()
    try:
        for number, (threads, workers) in enumerate([(1, 1), (2, 2), (2, 3)]):
            torch.set_num_threads(threads)
            write_shard(model, torch.arange(60), PLAN, tmp_path / str(number), workers=workers)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert len({(tmp_path / str(number)).read_bytes() for number in range(3)}) == 1
    assert pq.ParquetFile(tmp_path / "0").num_row_groups > 5


def test_probabilities_are_those_of_the_calibration_at_the_prior(model: LinkModel, tmp_path: Path) -> None:
    calibrated = replace(model, calibration=ScoreCalibration(1.5, -0.2))
    plan = PLAN.model_copy(update={"prior": 0.01})
    write_shard(calibrated, torch.arange(5), plan, tmp_path / "part", workers=1)
    table = pq.read_table(tmp_path / "part")
    assert table.schema.field("probability").type == pa.float32()
    expected = ScoreCalibration(1.5, -0.2).probability(torch.tensor(table["score"].to_pylist()), 0.01)
    assert table["probability"].to_pylist() == pytest.approx(expected.tolist())
    with pytest.raises(InvalidInput, match=r"prior of 0\.01 need a calibrated model.*Leave out --probability"):
        write_shard(model, torch.arange(5), plan, tmp_path / "other", workers=1)
