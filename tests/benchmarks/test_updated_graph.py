from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from benchmarks import updated_graph


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def rows_of(told: str, only: str) -> list[str]:
    """The names of the rows, after a look at their figures."""
    rows = [line.split(" | ") for line in told.splitlines() if line.startswith("| ")][1:]
    assert all(float(row[-1].removesuffix(" |")) < 1e-4 for row in rows)
    assert len(rows) == len([case for case in updated_graph.CASES if only in case.name])
    return [row[0].removeprefix("| ") for row in rows]


def test_a_case_is_held_against_the_same_from_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert updated_graph.main(["--edges", "1000", "--rounds", "1", "--only", "NCNC, weights"]) == 0
    told = capsys.readouterr().out
    assert rows_of(told, "NCNC, weights") == ["NCNC, weights of edges"]
    assert "load" in told.splitlines()[-1]


@pytest.mark.slow
def test_every_case_is_held_against_the_same_from_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert updated_graph.main(["--edges", "3000", "--rounds", "1"]) == 0
    assert rows_of(capsys.readouterr().out, "") == [case.name for case in updated_graph.CASES]
