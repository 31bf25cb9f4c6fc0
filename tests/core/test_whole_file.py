from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ncnc_core.whole_file import UNFINISHED, whole_file, write_whole


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "record.json"
    assert write_whole(path, "first\n") == path
    write_whole(path, "Grüße\r\n")
    assert path.read_bytes() == "Grüße\r\n".encode()
    assert list(path.parent.iterdir()) == [path]


def test_a_block_that_raises_leaves_the_file_of_before(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "record.json", "before")

    def fail() -> None:
        with whole_file(path) as staged:
            staged.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_is_killed_leaves_the_file_of_before(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "record.json", "before")
    program = (
        "import os, sys; from pathlib import Path; from ncnc_core.whole_file import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as staged:\n    staged.write_text('half'); os.kill(os.getpid(), 9)"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path)], check=False, cwd=Path(__file__).parents[2])
    assert ended.returncode == -9
    assert path.read_text() == "before"
    assert len(list(tmp_path.glob(UNFINISHED))) == 1  # for whoever sweeps the folder


def test_writers_at_once_never_mix_their_bytes(tmp_path: Path) -> None:
    path, texts = tmp_path / "record.json", [str(number) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_whole(path, text), texts))
    assert path.read_text() in texts


def test_the_bytes_are_on_the_disk_before_the_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    flush, rename = os.fsync, Path.replace

    def flushed(number: int) -> None:
        seen.append(f"fsync {Path(f'/proc/self/fd/{number}').readlink().suffix or 'folder'}")
        flush(number)

    def renamed(self: Path, target: Path) -> Path:
        seen.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", renamed)
    write_whole(tmp_path / "record.json", "text")
    assert seen == ["fsync .partial", "rename", "fsync folder"]
