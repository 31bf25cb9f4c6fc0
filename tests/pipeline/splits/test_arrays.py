from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import torch

from pipeline.records.digests import digests_of_folder
from pipeline.splits.arrays import SplitArrays


def arrays() -> SplitArrays:
    generator = torch.Generator().manual_seed(0)
    made = {item.name: torch.randint(0, 9, (2, 4), generator=generator) for item in fields(SplitArrays)}
    return SplitArrays(**made | {"test_first_seen": torch.arange(4)})


def test_split_comes_back_as_it_was_saved_and_equal_splits_have_equal_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        arrays().save(tmp_path / name)
    loaded = SplitArrays.load(tmp_path / "first")
    assert all(torch.equal(getattr(loaded, item.name), getattr(arrays(), item.name)) for item in fields(SplitArrays))
    assert digests_of_folder(tmp_path / "first") == digests_of_folder(tmp_path / "second")


def test_graphs_are_symmetric_over_all_nodes() -> None:
    graph = arrays().testing_graph(9)
    assert graph.num_nodes == 9
    assert graph.has(arrays().message_test.flip(0)).sum() == graph.has(arrays().message_test).sum()
