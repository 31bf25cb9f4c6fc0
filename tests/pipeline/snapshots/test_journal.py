from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import NewerFormat, TamperedRecord
from pipeline.origin.git import GitOrigin
from pipeline.snapshots.journal import REFSPEC, Journal, append
from pipeline.snapshots.journal_entries import (
    BytesRestored,
    Collected,
    Entry,
    GcEnded,
    GcEntry,
    GcGivenUp,
    GcStarted,
    Hold,
    Release,
)
from tests.fixtures.publishing import git

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def origin(bare_origin: str, tmp_path: Path) -> GitOrigin:
    return GitOrigin(bare_origin, tmp_path / "home")


def put(origin: GitOrigin, *entries: Entry) -> None:
    for entry in entries:
        append(origin, lambda _, entry=entry: entry)


def read(origin: GitOrigin) -> Journal:
    with origin.clone() as clone:
        clone.fetch_matching(REFSPEC)
        return Journal.of(clone)


def hold(tag: str, reason: str = "paper") -> Hold:
    return Hold(tag=tag, at=AT, who="me@here", reason=reason)


def started(name: str = "a") -> GcStarted:
    return GcStarted(id=name, until=AT + timedelta(minutes=10), at=AT, who="me@here", reason="disk")


def ended(name: str = "a") -> GcEnded:
    return GcEnded(id=name, objects=0, bytes=0, outcome="done", at=AT, who="me@here")


def collected(*tags: str) -> Collected:
    return Collected(id="a", tags=tags, policy="p", at=AT, who="me@here", reason="disk")


def test_repository_without_a_journal_has_an_empty_one(origin: GitOrigin) -> None:
    assert read(origin) == Journal()
    assert read(origin).running == ()


def test_entry_is_one_commit_and_history_only_grows(origin: GitOrigin) -> None:
    put(origin, hold("snap/x"), started(), ended())
    log = git(Path(origin.url), "log", "--format=%s", "journal").splitlines()
    assert log == ["gc a ended: 0 objects, 0 bytes, done", "gc a started: disk", "hold snap/x: paper"]
    assert git(Path(origin.url), "ls-tree", "--name-only", "journal").splitlines() == ["gc.jsonl", "holds.jsonl"]


def test_entries_of_many_at_once_are_all_kept(origin: GitOrigin) -> None:
    # A home each, so that each has a clone of its own, as processes have.
    writers = [GitOrigin(origin.url, origin.home / str(number)) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: put(writers[number], hold(f"snap/{number}")), range(4)))
    assert sorted(read(origin).holds) == [f"snap/{number}" for number in range(4)]


def test_release_ends_a_hold_and_a_second_hold_takes_its_place(origin: GitOrigin) -> None:
    put(origin, hold("snap/x"), hold("snap/y"), hold("snap/y", 'Ümläut\u2028 and "quotes"'))
    put(origin, Release(tag="snap/x", at=AT, who="me@here", reason="done"))
    assert {tag: item.reason for tag, item in read(origin).holds.items()} == {"snap/y": 'Ümläut\u2028 and "quotes"'}


def test_collected_tag_whose_bytes_came_back_is_collected_no_longer(origin: GitOrigin) -> None:
    put(origin, collected("snap/x", "snap/y"), BytesRestored(tag="snap/x", at=AT, who="me@here"))
    assert read(origin).collected == {"snap/y": collected("snap/x", "snap/y")}
    assert read(origin).restored == {"snap/x": AT}


@pytest.mark.parametrize(
    ("entries", "running"),
    [
        ((started(),), ["a"]),  # whatever the time is
        ((started(), ended()), []),
        ((started(), GcGivenUp(id="a", at=AT, who="me@here")), []),
        ((started(), started("b"), ended("b")), ["a"]),
        ((started(), started("b")), ["a", "b"]),
    ],
)
def test_collection_runs_until_the_journal_says_its_end(entries: tuple[GcEntry, ...], running: list[str]) -> None:
    assert [entry.id for entry in Journal(entries).running] == running


def enter(origin: GitOrigin, line: str) -> None:
    with origin.clone() as clone:
        clone.fetch_branch("journal")
        (clone.path / "gc.jsonl").write_text(f"{line}\n")
        clone.commit("Tamper", "gc.jsonl")
        clone.push("HEAD:refs/heads/journal")


def test_line_changed_by_hand_is_named(origin: GitOrigin) -> None:
    put(origin, started())
    enter(origin, '{"kind": "gc started"}')
    with pytest.raises(
        TamperedRecord,
        match=r"Line 1 of the journal's gc\.jsonl is no entry(.|\n)*git update-ref refs/heads/journal COMMIT",
    ):
        read(origin)


@pytest.mark.parametrize("line", ['{"format": 9, "kind": "gc started"}', '{"format": 2, "kind": "unheard of"}'])
def test_line_of_a_newer_version_asks_for_an_upgrade_and_never_to_revert_a_commit(origin: GitOrigin, line: str) -> None:
    put(origin, started())
    enter(origin, line)
    with pytest.raises(
        NewerFormat, match=r"Line 1 of the journal's gc\.jsonl is .*newer version: upgrade this one"
    ) as told:
        read(origin)
    assert "evert" not in str(told.value)
