import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import OutsideTrouble, TamperedRecord
from pipeline.origin.data_repository import create_data_repository
from pipeline.origin.git import GitOrigin
from pipeline.snapshots.dvc_clone import DvcClone
from pipeline.snapshots.remote_objects import StoredObject, _modified, batches

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def dvc(tmp_path: Path) -> Iterator[DvcClone]:
    origin = str(tmp_path / "origin.git")
    create_data_repository(origin, str(tmp_path / "remote"))
    with GitOrigin(origin, tmp_path / "home").clone() as clone:
        clone.fetch_branch("main")
        (clone.path / "demo" / "data").mkdir(parents=True)
        (clone.path / "demo" / "data" / "nodes.parquet").write_text("nodes")
        yield DvcClone(clone.path, tmp_path / "cache")


def stored(name: str) -> StoredObject:
    return StoredObject(name, f"/r/{name}", 1, LONG_AGO)


def test_remote_that_is_not_there_yet_holds_nothing(dvc: DvcClone) -> None:
    with dvc.objects() as remote:
        assert remote.stored() == ()


def test_objects_are_listed_with_size_and_time_and_what_is_not_ours_is_not(dvc: DvcClone, tmp_path: Path) -> None:
    md5 = dvc.add_and_push("demo/data")
    folder = tmp_path / "remote" / "files" / "md5"
    (folder / "aa").mkdir()
    (folder / "aa" / ".x3_-Z.tmp").write_text("cut off")
    (folder / "aa" / "README").write_text("not ours")
    (folder / "notes.txt").write_text("not ours")
    os.utime(folder / "aa" / ".x3_-Z.tmp", (LONG_AGO.timestamp(),) * 2)
    with dvc.objects() as remote:
        found = {item.name: item for item in remote.stored()}
        files = remote.files_of(md5)
        sizes = remote.sizes([*files.values(), "0" * 32])
    assert set(found) == {md5, files["nodes.parquet"], ".x3_-Z.tmp"}
    assert sizes == {files["nodes.parquet"]: 5, "0" * 32: None}
    assert found[".x3_-Z.tmp"].unfinished
    assert found[".x3_-Z.tmp"].modified == LONG_AGO
    assert not found[md5].unfinished
    assert found[files["nodes.parquet"]].size == 5


def test_file_lists_are_read_at_once_and_verified(dvc: DvcClone, tmp_path: Path) -> None:
    md5 = dvc.add_and_push("demo/data")
    told: list[int] = []
    with dvc.objects() as remote:
        assert list(remote.all_files_of([md5], told.append)[md5]) == ["nodes.parquet"]
    assert told == [1]
    for listing in (next((tmp_path / "cache").rglob("*.dir")), next((tmp_path / "remote").rglob("*.dir"))):
        listing.chmod(0o644)
        listing.write_text("[]")
    with (
        dvc.objects() as remote,
        pytest.raises(TamperedRecord, match=rf"file list {md5}.*restore it on the DVC remote"),
    ):
        remote.files_of(md5)


def test_removed_object_is_gone_and_the_others_are_not(dvc: DvcClone) -> None:
    md5 = dvc.add_and_push("demo/data")
    with dvc.objects() as remote:
        remote.remove([item for item in remote.stored() if item.name == md5])
        assert [item.size for item in remote.stored()] == [5]


def test_file_lists_go_before_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.snapshots.remote_objects.BATCH", 2)
    names = ["a" * 32, "b" * 32 + ".dir", "c" * 32, ".x.tmp", "d" * 32 + ".dir", "e" * 32 + ".dir"]
    found = [[item.name[:1] for item in batch] for batch in batches([stored(name) for name in names])]
    assert found == [["b", "d"], ["e"], [".", "a"], ["c"]]


@pytest.mark.parametrize(
    "info", [{"mtime": LONG_AGO.timestamp()}, {"LastModified": LONG_AGO}, {"updated": LONG_AGO.replace(tzinfo=None)}]
)
def test_time_is_read_as_each_kind_of_store_gives_it(info: dict[str, object]) -> None:
    assert _modified(info, "x") == LONG_AGO


def test_store_that_gives_no_time_is_not_collected_from() -> None:
    with pytest.raises(OutsideTrouble, match=r"does not say how old aa/bb is.*a folder or an S3 store"):
        _modified({"size": 1}, "aa/bb")
