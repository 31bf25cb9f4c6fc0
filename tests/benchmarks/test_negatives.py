from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks import negatives
from ncnc_core.graph.adjacency import Adjacency


def test_uniform_and_degree_matched_are_counted_and_timed() -> None:
    uniform = negatives.measure_uniform(2000, 5000)
    assert uniform["negatives"] == 5000
    assert uniform["forbidden"] > 15_000
    matched = negatives.measure_degree_matched(2000, 40)
    assert matched["negatives"] == 40 * negatives.PER_POSITIVE
    assert matched["seconds"] >= 0


def test_hard_ones_name_the_largest_hub() -> None:
    edges = Adjacency.from_edges(torch.randint(200, (2, 900), generator=torch.Generator().manual_seed(0)), 200).edges()
    found = negatives.measure_hard(edges, 20)
    assert found["negatives"] == 20 * negatives.PER_POSITIVE
    assert found["largest_degree"] > 5


@pytest.mark.slow
def test_each_kind_is_measured_in_a_process_of_its_own_and_written_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "negatives.json"
    assert negatives.main(["--only", "uniform", "--shrink", "1000", "--json", str(path)]) == 0
    figures = json.loads(path.read_text())["uniform"]
    assert figures["negatives"] == 30_000
    assert figures["peak_gib"] > 0
    assert "30,000" in capsys.readouterr().out
