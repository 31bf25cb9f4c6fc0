from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipeline.errors import TamperedRecord
from pipeline.records.digests import FileDigest, digests_of_folder, folder_digest, keep_verified


@pytest.fixture
def found(tmp_path: Path) -> Path:
    folder = tmp_path / "found"
    folder.mkdir()
    (folder / "a").write_text("a")
    (folder / "b").write_text("b")
    return folder


def test_only_listed_files_are_copied(found: Path, tmp_path: Path) -> None:
    listed = digests_of_folder(found)
    (found / "stowaway").write_text("x")
    assert digests_of_folder(keep_verified(found, tmp_path / "kept", listed, "model")) == listed


@pytest.mark.parametrize("fault", ["changed", "missing", "no folder"])
def test_nothing_is_copied_where_one_file_is_wrong(found: Path, tmp_path: Path, fault: str) -> None:
    listed = digests_of_folder(found)
    if fault == "changed":
        (found / "b").write_text("c")
    else:
        (found / "b").unlink()
    with pytest.raises(TamperedRecord, match=r"^[ab] in the model has sha256 .* restore it from a backup"):
        keep_verified(None if fault == "no folder" else found, tmp_path / "kept", listed, "the model")
    assert not (tmp_path / "kept").exists()


def test_folder_digest_depends_on_paths_and_bytes_but_not_on_order() -> None:
    one, two = FileDigest(path="a", sha256="1" * 64), FileDigest(path="b", sha256="2" * 64)
    assert folder_digest((one, two)) == folder_digest((two, one))
    assert folder_digest((one, two)) != folder_digest((one,))
    assert folder_digest((one,)) != folder_digest((FileDigest(path="b", sha256="1" * 64),))


def test_a_folders_digests_are_sorted_relative_and_deep(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "inner.txt").write_text("1")
    (tmp_path / "a.txt").write_text("")
    digests = digests_of_folder(tmp_path)
    assert [item.path for item in digests] == ["a.txt", "b/inner.txt"]
    assert digests[0].sha256 == hashlib.sha256(b"").hexdigest()
    (tmp_path / "b" / "inner.txt").write_text("2")
    assert digests_of_folder(tmp_path)[1] != digests[1]
