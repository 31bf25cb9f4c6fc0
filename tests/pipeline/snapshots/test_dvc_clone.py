import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import OutsideTrouble, TamperedRecord
from pipeline.origin.data_repository import create_data_repository
from pipeline.origin.git import GitOrigin
from pipeline.snapshots.dvc_clone import DvcClone


@pytest.fixture
def dvc(tmp_path: Path) -> Iterator[DvcClone]:
    origin = str(tmp_path / "origin.git")
    create_data_repository(origin, str(tmp_path / "remote"))
    with GitOrigin(origin, tmp_path / "home").clone() as clone:
        clone.fetch_branch("main")
        (clone.path / "demo" / "data").mkdir(parents=True)
        (clone.path / "demo" / "data" / "nodes.parquet").write_text("nodes")
        yield DvcClone(clone.path, tmp_path / "cache")


def test_pushed_folder_is_read_back_by_its_sha256(dvc: DvcClone, capfd: pytest.CaptureFixture[str]) -> None:
    md5 = dvc.add_and_push("demo/data")
    assert md5.endswith(".dir")
    assert dvc.read_back(md5) == {"nodes.parquet": hashlib.sha256(b"nodes").hexdigest()}
    assert capfd.readouterr().out == ""


def test_reading_back_sees_the_bytes_of_the_remote_and_not_of_the_cache(dvc: DvcClone, tmp_path: Path) -> None:
    md5 = dvc.add_and_push("demo/data")
    stored = next(path for path in (tmp_path / "remote").rglob("*") if path.is_file() and path.read_text() == "nodes")
    stored.chmod(0o644)
    stored.write_text("modes")
    assert dvc.read_back(md5) == {"nodes.parquet": hashlib.sha256(b"modes").hexdigest()}


def test_tracked_folder_is_brought_back(dvc: DvcClone) -> None:
    md5 = dvc.add_and_push("demo/data")
    (dvc.path / "demo" / "data" / "nodes.parquet").unlink()
    dvc.bring("demo/data", md5)
    assert (dvc.path / "demo" / "data" / "nodes.parquet").read_text() == "nodes"


def test_changed_file_list_is_tampered(dvc: DvcClone, tmp_path: Path) -> None:
    md5 = dvc.add_and_push("demo/data")
    listing = next((tmp_path / "remote").rglob("*.dir"))
    listing.chmod(0o644)
    listing.write_text("[]")
    with pytest.raises(TamperedRecord, match=rf"file list {md5} at .*remote.*restore it on the DVC remote"):
        dvc.read_back(md5)


def test_remote_that_cannot_be_written_is_trouble_outside(dvc: DvcClone, tmp_path: Path) -> None:
    (tmp_path / "remote").write_text("a file where the remote's folder should be")
    with pytest.raises(OutsideTrouble, match=r"Not a directory: .*remote.*Give this user the right"):
        dvc.add_and_push("demo/data")
