from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import TamperedRecord
from pipeline.records.manifest import MANIFEST, verify_manifest, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "edges").mkdir()
    (tmp_path / "edges" / "a.parquet").write_bytes(b"a")
    (tmp_path / "nodes.parquet").write_bytes(b"b")
    return tmp_path


def test_untouched_folder_verifies(folder: Path) -> None:
    verify_manifest(folder, write_manifest(folder), "snap/demo")
    assert (folder / MANIFEST).read_text().splitlines()[0].endswith("  edges/a.parquet")


def test_writing_twice_gives_the_same_manifest(folder: Path) -> None:
    assert write_manifest(folder) == write_manifest(folder)


FAULTS: list[tuple[str, Callable[[Path], object]]] = [
    ("nodes.parquet", lambda folder: (folder / "nodes.parquet").write_bytes(b"c")),
    ("edges/a.parquet", lambda folder: (folder / "edges" / "a.parquet").unlink()),
    ("extra.parquet", lambda folder: (folder / "extra.parquet").write_bytes(b"d")),
    (MANIFEST, lambda folder: (folder / MANIFEST).unlink()),
    (MANIFEST, lambda folder: (folder / "nodes.parquet").write_bytes(b"c") and write_manifest(folder)),
]


@pytest.mark.parametrize(("name", "fault"), FAULTS)
def test_every_fault_is_found_and_the_file_named(folder: Path, name: str, fault: Callable[[Path], object]) -> None:
    manifest_sha256 = write_manifest(folder)
    fault(folder)
    with pytest.raises(TamperedRecord, match=rf"{name} of snap/demo .*restore that object .* from backup"):
        verify_manifest(folder, manifest_sha256, "snap/demo")
