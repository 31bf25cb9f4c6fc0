from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.origin.git import GitOrigin
from pipeline.snapshots import collection_watch
from pipeline.snapshots.collection_watch import CollectionWatch
from pipeline.snapshots.journal import append, fetched_journal
from pipeline.snapshots.journal_entries import GcEnded, GcGivenUp, GcStarted

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def origin(bare_origin: str, tmp_path_factory: pytest.TempPathFactory) -> GitOrigin:
    return GitOrigin(bare_origin, tmp_path_factory.mktemp("home"))


@pytest.fixture
def pass_minutes(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let minutes pass on this process's own count."""
    passed = [0.0]
    monkeypatch.setattr(collection_watch, "elapsed_seconds", lambda: passed[0])

    def wait(minutes: float) -> None:
        passed[0] += minutes * 60

    return wait


def start(origin: GitOrigin, name: str, minutes: float) -> None:
    entry = GcStarted(id=name, until=AT + timedelta(minutes=minutes), at=AT, who="robot@here", reason="disk")
    append(origin, lambda _: entry)


def test_collection_is_given_up_after_its_time_and_a_margin_by_the_watchers_own_count(
    origin: GitOrigin, pass_minutes: Callable[[float], None]
) -> None:
    start(origin, "a", 10)
    watch = CollectionWatch(origin, lambda: AT + timedelta(days=400))
    assert not watch.over(fetched_journal(origin))
    pass_minutes(14.9)
    assert not watch.over(fetched_journal(origin))
    assert not CollectionWatch(origin, lambda: AT).over(fetched_journal(origin))  # who comes late has seen less
    pass_minutes(0.2)
    assert not watch.over(fetched_journal(origin))  # the journal is to be read again
    assert watch.over(fetched_journal(origin))
    assert CollectionWatch(origin, lambda: AT).over(fetched_journal(origin))  # and nobody else has to wait
    assert isinstance(fetched_journal(origin).collections[-1], GcGivenUp)


def test_collection_that_ended_in_time_is_not_given_up(
    origin: GitOrigin, pass_minutes: Callable[[float], None]
) -> None:
    start(origin, "a", 10)
    watch, before = CollectionWatch(origin, lambda: AT), fetched_journal(origin)
    assert not watch.over(before)
    append(origin, lambda _: GcEnded(id="a", objects=0, bytes=0, outcome="done", at=AT, who="robot@here"))
    start(origin, "b", 10)
    pass_minutes(20)
    assert not watch.over(before)  # it reads what was fetched before the end
    found = fetched_journal(origin)
    assert [entry.id for entry in found.running] == ["b"]
    assert not any(isinstance(entry, GcGivenUp) for entry in found.collections)
    assert not watch.over(found)  # b is seen for the first time
