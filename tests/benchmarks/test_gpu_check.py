from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks import gpu_check, host_waits
from benchmarks.gpu_check import Figures
from ncnc_core.graph import neighbor_search_tensors
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.graph.roles import Rows


@pytest.mark.slow
def test_all_methods_are_checked_and_the_page_says_that_there_is_no_gpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU: its own figures are on the page")
    asked = ["--edges", "3000", "--pairs", "512", "--output", str(tmp_path / "bench" / "page.md")]
    assert gpu_check.main(asked) == 0
    page = (tmp_path / "bench" / "page.md").read_text()
    assert page == capsys.readouterr().out
    assert "nothing was measured on a GPU" in page
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| N")]
    assert [row[0] for row in rows] == ["| NCN", "| NCNC", "| NCNC, sampled"]
    assert all(row[4:7] == ["-", "-", "-"] for row in rows)


@pytest.mark.parametrize("method", host_waits.METHODS, ids=lambda one: one.name)
def test_the_accelerators_way_agrees_with_the_kernels(method: host_waits.Method) -> None:
    logits, gradients = gpu_check.parity(method, None)
    assert max(logits, gradients) < 1e-5


def test_a_wrong_overlap_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = neighbor_search_tensors.shared_neighbors

    def wrong(near: Rows, far: Rows, first: torch.Tensor, second: torch.Tensor) -> NodeLists:
        found = right(near, far, first, second)
        return NodeLists(found.row_pointer, found.node, torch.full_like(found.node, 2.0, dtype=torch.float32))

    monkeypatch.setattr(neighbor_search_tensors, "shared_neighbors", wrong)
    logits, gradients = gpu_check.parity(host_waits.METHODS[0], None)
    assert not Figures("NCN", logits, gradients, 1.0, 6).agrees


def test_a_row_has_what_the_gpu_took_and_how_much_faster_that_is() -> None:
    found = Figures("NCN", 2e-6, 3e-6, 4.0, 6, gpu_epoch=0.5, peak_gib=1.25, told=7)
    assert found.row() == "| NCN | 2e-06 | 3e-06 | 4.00 | 0.50 | 8.00 | 1.25 | 6 | 7 |"
    assert len(found.row().split("|")) == len(gpu_check.HEAD.splitlines()[0].split("|"))
