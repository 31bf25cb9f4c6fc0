from __future__ import annotations

import pytest
import torch

from benchmarks import updated_graph


def test_every_case_is_timed_beside_the_same_from_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    threads = torch.get_num_threads()
    try:
        assert updated_graph.main(["--edges", "3000", "--rounds", "1"]) == 0
    finally:
        torch.set_num_threads(threads)
    told = capsys.readouterr().out
    rows = [line.split(" | ") for line in told.splitlines() if line.startswith("| ")]
    assert [row[0].removeprefix("| ") for row in rows[1:]] == [case.name for case in updated_graph.CASES]
    assert all(float(row[-1].removesuffix(" |")) < 1e-4 for row in rows[1:])
    assert "load" in told.splitlines()[-1]
