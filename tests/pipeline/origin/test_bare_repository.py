"""What an equipped repository takes, and what it refuses although the push is forced."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pipeline.origin.claims import Claims

from pipeline.ledger.entries import NightEntry
from pipeline.ledger.ledger import Ledger
from pipeline.origin.bare_repository import HOOK, equip
from pipeline.origin.data_repository import create_data_repository
from pipeline.origin.git import GitClone, GitOrigin

AT = datetime(2026, 1, 2, tzinfo=UTC)
TAG = "snap/demo/20260102T000000Z/cccccccccccc"


@pytest.fixture
def origin(tmp_path: Path) -> GitOrigin:
    """An equipped repository with a ledger, a claim and a tag."""
    url = str(tmp_path / "data.git")
    create_data_repository(url, str(tmp_path / "remote"))
    origin = GitOrigin(url, tmp_path / "home")
    assert Claims(url, tmp_path / "home").take("register/demo/1", "demo-1")
    for number in (1, 2):
        enter(origin, number)
    with origin.clone() as clone:
        tip = clone.fetch_tip("main")
        assert clone.push(f"{tip}:refs/tags/{TAG}")
    return origin


def enter(origin: GitOrigin, number: int) -> None:
    name = f"demo-{number}"
    entry = NightEntry(graph="demo", run_name=name, as_of=AT, at=AT, outcome="kept", reason="no", completed=True)
    Ledger(origin.url, origin.home).append(entry)


def forced(clone: GitClone, *refspecs: str) -> str:
    """Push by force, and return what git says."""
    command = ["git", "-C", str(clone.path), "push", "--force", clone.url, *refspecs]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize(
    ("refspec", "says"),
    [
        ("{other}:refs/tags/{tag}", "refs/tags/{tag} is there already, and tags and claims are neither moved"),
        (":refs/tags/{tag}", "tags and claims are neither moved nor deleted"),
        ("{other}:refs/claims/register/demo/1", "tags and claims are neither moved nor deleted"),
        (":refs/claims/register/demo/1", "tags and claims are neither moved nor deleted"),
        ("{other}:refs/heads/main", "non-fast-forward"),
        (":refs/heads/main", "deletion prohibited"),
        ("{other}:refs/heads/ledger", "non-fast-forward"),
        (":refs/heads/ledger", "deletion prohibited"),
        ("{shorter}:refs/heads/ledger", "ledger only grows, but this push changes or removes lines of demo.jsonl"),
        ("{changed}:refs/heads/ledger", "this push changes or removes lines of demo.jsonl"),
        ("{without}:refs/heads/ledger", "refs/heads/ledger only grows, but this push removes demo.jsonl"),
    ],
)  # fmt: skip
def test_push_that_takes_something_back_is_refused_though_it_is_forced(
    origin: GitOrigin, refspec: str, says: str
) -> None:
    before = origin.refs()
    with origin.clone() as clone:
        tip = clone.fetch_tip("ledger")
        text = clone.contents([f"{tip}:demo.jsonl"])[f"{tip}:demo.jsonl"] or ""
        commits = {
            "tag": TAG,
            "other": clone.commit_files("Other", {"demo.jsonl": "{}\n"}, onto=None),
            "shorter": clone.commit_files("Cut", {"demo.jsonl": text.partition("\n")[0] + "\n"}, onto=tip),
            "changed": clone.commit_files("Change", {"demo.jsonl": text.replace("kept", "lost")}, onto=tip),
            "without": clone.commit_files("Remove", {}, onto=tip, removed=("demo.jsonl",)),
        }
        assert says.format(**commits) in forced(clone, refspec.format(**commits))
    assert origin.refs() == before


def test_what_the_pipeline_does_itself_is_taken(origin: GitOrigin) -> None:
    enter(origin, 3)  # the ledger grows
    with origin.clone() as clone:
        tip = clone.fetch_tip("main")
        commit = clone.commit_files("Publish", {"demo/snapshot.json": "{}\n"}, onto=tip)
        other = clone.commit_files("Other graph", {"other.jsonl": "{}\n"}, onto=clone.fetch_tip("ledger"))
        assert clone.push(f"{commit}:refs/heads/main", f"{other}:refs/heads/ledger", f"{commit}:refs/tags/night/demo-1")


def test_a_repository_of_before_is_equipped_by_init_and_a_foreign_hook_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "data.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)], check=True)
    hook = path / "hooks" / "update"
    for _ in range(2):
        create_data_repository(str(path), str(tmp_path / "remote"))
        assert hook.read_text() == HOOK.read_text()
        assert hook.stat().st_mode & 0o111
    hook.write_text("#!/bin/sh\nexit 0\n")
    equip(path)
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"
    assert "is not ours and stays" in caplog.text
