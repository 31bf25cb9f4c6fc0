from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from pipeline.records.digests import digests_of_folder
from pipeline.splits.arrays import FILE_OF_FORMAT_2, SPLIT_FILE, SplitArrays


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


def test_the_file_of_format_2_is_read_and_the_new_one_is_a_fraction_of_it(tmp_path: Path) -> None:
    negatives = torch.randint(90_000, (2, 50_000), generator=torch.Generator().manual_seed(1))
    split = replace(arrays(), test_negatives=negatives)
    save_file({item.name: getattr(split, item.name) for item in fields(split)}, tmp_path / FILE_OF_FORMAT_2)
    before = SplitArrays.load(tmp_path)
    (tmp_path / "new").mkdir()
    split.save(tmp_path / "new")
    now = SplitArrays.load(tmp_path / "new")
    for item in fields(split):
        assert torch.equal(getattr(before, item.name), getattr(now, item.name))
        assert getattr(now, item.name).dtype == torch.int64
    sizes = [(tmp_path / name).stat().st_size for name in (FILE_OF_FORMAT_2, f"new/{SPLIT_FILE}")]
    assert sizes[1] < sizes[0] / 3


def test_a_time_that_needs_more_than_32_bits_comes_back_whole(tmp_path: Path) -> None:
    late = replace(arrays(), test_first_seen=torch.tensor([2**31, 2**40]))
    late.save(tmp_path)
    assert SplitArrays.load(tmp_path).test_first_seen.tolist() == [2**31, 2**40]


def test_pairs_stay_as_they_are_stored_where_that_is_asked_for(tmp_path: Path) -> None:
    arrays().save(tmp_path)
    narrow, wide = SplitArrays.load(tmp_path, narrow=True), SplitArrays.load(tmp_path)
    for item in fields(SplitArrays):
        assert torch.equal(getattr(narrow, item.name), getattr(wide, item.name).to(getattr(narrow, item.name).dtype))
    assert (narrow.valid_negatives.dtype, narrow.test_negatives.dtype) == (torch.int32, torch.int32)
    assert (narrow.test.dtype, wide.test.dtype) == (torch.int32, torch.int64)


def test_graphs_are_symmetric_over_all_nodes() -> None:
    graph = arrays().testing_graph(9)
    assert graph.num_nodes == 9
    assert graph.has(arrays().message_test.flip(0)).sum() == graph.has(arrays().message_test).sum()
