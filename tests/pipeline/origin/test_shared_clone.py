from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import OutsideTrouble
from pipeline.origin.git import GitClone, GitOrigin
from pipeline.origin.shared_clone import shared_clone


@pytest.fixture
def origin(bare_origin: str, tmp_path: Path) -> GitOrigin:
    return GitOrigin(bare_origin, tmp_path / "home")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Count the clones that are made."""
    paths: list[Path] = []
    original = GitOrigin.new_clone

    def counted(origin: GitOrigin, path: Path) -> GitClone:
        paths.append(path)
        return original(origin, path)

    monkeypatch.setattr(GitOrigin, "new_clone", counted)
    return paths


def append(origin: GitOrigin, text: str) -> bool:
    with shared_clone(origin) as clone:
        tip = clone.fetch_tip("list")
        return clone.push(f"{clone.commit_files(text, {f'{text}.txt': text}, onto=tip)}:refs/heads/list")


def names(origin: GitOrigin) -> list[str]:
    with shared_clone(origin) as clone:
        tip = clone.fetch_tip("list")
        return clone.git("ls-tree", "--name-only", tip).split() if tip else []


def test_one_clone_serves_all_uses_of_a_process(origin: GitOrigin, made: list[Path]) -> None:
    assert names(origin) == []
    assert append(origin, "one")
    assert append(GitOrigin(origin.url, origin.home), "two")
    assert names(origin) == ["one.txt", "two.txt"]
    assert len(made) == 1


def test_push_of_another_process_is_read_and_overtakes(origin: GitOrigin, tmp_path: Path) -> None:
    other = GitOrigin(origin.url, tmp_path / "other-home")  # a home of its own, so a clone of its own
    assert append(origin, "one")
    with shared_clone(origin) as clone:
        tip = clone.fetch_tip("list")
        assert append(other, "two")
        assert not clone.push(f"{clone.commit_files('late', {'late.txt': ''}, onto=tip)}:refs/heads/list")
    assert names(origin) == names(other) == ["one.txt", "two.txt"]


def test_branch_that_is_gone_from_the_origin_is_not_remembered(origin: GitOrigin) -> None:
    append(origin, "one")
    subprocess.run(["git", "-C", origin.url, "update-ref", "-d", "refs/heads/list"], check=True)
    assert names(origin) == []


def test_clone_in_which_something_went_wrong_is_not_used_again(origin: GitOrigin, made: list[Path]) -> None:
    append(origin, "one")
    assert names(origin) == ["one.txt"]
    append(GitOrigin(origin.url, origin.home.with_name("other")), "two")
    (made[0] / ".git" / "refs" / "remotes" / "origin" / "list.lock").touch()  # as a killed git leaves it
    with pytest.raises(OutsideTrouble, match=r"list\.lock"):
        names(origin)
    assert not made[0].exists()
    assert names(origin) == ["one.txt", "two.txt"]


def test_forked_child_has_a_clone_of_its_own_and_leaves_its_parents(origin: GitOrigin, made: list[Path]) -> None:
    append(origin, "one")
    pid = os.fork()
    if pid == 0:
        append(origin, "two")
        os._exit(0 if len(made) == 2 and made[1] != made[0] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert made[0].is_dir()
    assert names(origin) == ["one.txt", "two.txt"]


def test_clone_is_removed_when_its_process_ends(origin: GitOrigin) -> None:
    program = (
        "import os, sys; from pathlib import Path; from pipeline.origin.git import GitOrigin; "
        "from pipeline.origin.shared_clone import shared_clone\n"
        "with shared_clone(GitOrigin(sys.argv[1], Path(sys.argv[2]))) as clone: print(clone.path)\n"
        "if os.fork() == 0: sys.exit()\n"  # a child that ends as Python ends does not remove it
        "os.wait(); print(clone.path.is_dir())\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, origin.url, str(origin.home)], capture_output=True, text=True, check=True
    )
    path, there = answer.stdout.split()
    assert there == "True"
    assert not Path(path).exists()
