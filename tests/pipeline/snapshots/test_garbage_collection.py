import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dvc.api
import pytest

from pipeline.errors import InvalidInput, OutsideTrouble, TamperedRecord
from pipeline.origin.git import GitOrigin
from pipeline.snapshots import collection_watch, garbage_collection, publisher
from pipeline.snapshots.collection_plan import Plan, References
from pipeline.snapshots.garbage_collection import Collector
from pipeline.snapshots.journal import append
from pipeline.snapshots.journal_entries import GcEnded, GcGivenUp, GcStarted
from pipeline.snapshots.published import Publication
from pipeline.snapshots.remote_objects import RemoteObjects, StoredObject
from pipeline.snapshots.retention import Policy
from pipeline.snapshots.snapshot_store import SnapshotStore
from tests.fixtures.local_services import s3_store
from tests.fixtures.publishing import FIRST, ROOT, Place, begin_a_second, publish, read, start, wait_until_stopped

NOTHING_KEPT = Policy(keep_last=1, keep_days=0, grace_hours=0)

# Plans reckon ages in whole seconds; what a test has just written is to be old.
LATER = timedelta(hours=1)


def nobody(_: frozenset[str]) -> Mapping[str, str]:
    return {}


def quiet(_what: str, _done: int, _total: int) -> None:
    pass


def collect(
    place: Place, policy: Policy = NOTHING_KEPT, references: References = nobody, plan: Plan | None = None
) -> tuple[Plan, GcEnded]:
    collector = collector_of(place)
    plan = plan or collector.plan(policy, references, quiet)
    return collector.collect(plan.id, policy, references, reason="test", minutes=5, progress=quiet)


def an_hour_later(place: Place) -> SnapshotStore:
    return SnapshotStore(str(place.origin), place.home, clock=lambda: datetime.now(UTC) + LATER)


def collector_of(place: Place) -> Collector:
    return an_hour_later(place).collector


def origin_of(place: Place) -> GitOrigin:
    return GitOrigin(str(place.origin), place.home)


def let_time_fly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a watcher's own count go a thousand times as fast."""
    monkeypatch.setattr(collection_watch, "elapsed_seconds", lambda: time.monotonic() * 1000)
    monkeypatch.setattr(collection_watch, "POLL_SECONDS", 0.1)


def publish_of_another_graph(place: Place) -> None:
    """Publish later than what is on the remote by now: ages are counted back from the newest publication."""
    begin_a_second()
    place.publish(1, "another graph", graph="other")


def objects(place: Place) -> set[str]:
    return {path.relative_to(place.remote).as_posix() for path in place.remote.rglob("*") if path.is_file()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def three_nights(place: Place) -> list[str]:
    tags: list[str] = []
    for night in (1, 2, 3):
        if night == 3:
            begin_a_second()
        tags.append(place.publish(night, f"edges {night}", previous=tags[-1] if tags else None).tag)
    return tags


def test_old_bytes_go_and_tags_and_the_newest_two_stay(place: Place) -> None:
    tags = three_nights(place)
    plan, ended = collect(place)
    assert plan.collected == (tags[0],)
    assert plan.kept == {tags[1]: (f"the newest, {tags[2]}, was built on it",), tags[2]: ("the newest of its graph",)}
    assert (ended.objects, ended.outcome) == (3, "done")  # edges, manifest and file list; nodes is shared
    assert sorted(place.tags()) == tags
    assert [item.tag for item in place.store.list("demo")] == tags
    assert len(objects(place)) == 7
    for tag, text in ((tags[1], "edges 2"), (tags[2], "edges 3")):
        assert place.fetched(tag)["edges/a.parquet"] == text
    with pytest.raises(InvalidInput, match=r"bytes of snap/demo/20260102.*collected on \d{4}.*\(test\).*Take another"):
        place.fetched(tags[0])
    assert place.log("journal")[:3] == [
        f"gc {ended.id} ended: 3 objects, {ended.bytes} bytes, done",
        f"gc {ended.id}: 1 tags collected",
        f"gc {ended.id} started: test",
    ]


def test_split_goes_and_stays_with_its_snapshot(place: Place) -> None:
    tags = three_nights(place)
    splits = [
        place.store.publish_split(
            place.folder(f"train {night}", "split"),
            graph="demo",
            as_of=FIRST + timedelta(days=night),
            run_key="ab" * 32,
        ).tag
        for night in (1, 3)
    ]
    plan, _ = collect(place)
    assert plan.collected == (tags[0], splits[0])
    assert place.fetched(splits[1])["edges/a.parquet"] == "train 3"


def test_referred_and_held_snapshots_stay(place: Place) -> None:
    tags = three_nights(place)
    for night in (4, 5):
        tags.append(place.publish(night, f"edges {night}", previous=tags[-1]).tag)
    place.store.holds.hold(tags[0], "the paper's graph")
    plan, _ = collect(place, references=lambda graphs: {tags[1]: f"version 1 of {', '.join(graphs)}"})
    assert plan.collected == (tags[2],)
    assert "held by" in plan.kept[tags[0]][0]
    assert plan.kept[tags[0]][0].endswith("the paper's graph")
    assert plan.kept[tags[1]] == ("version 1 of demo",)
    for night in (1, 2, 4, 5):
        assert place.fetched(tags[night - 1])["edges/a.parquet"] == f"edges {night}"
    place.store.holds.release(tags[0], "published")
    assert collect(place)[0].collected == (tags[0], tags[1])


def test_bytes_that_another_graph_shares_stay_for_it(place: Place) -> None:
    tags = three_nights(place)
    other = place.publish(1, "edges 1", graph="other").tag  # the very bytes of the first night of demo
    place.publish(2, "edges 2", graph="other", previous=other)
    plan, ended = collect(place)
    assert (plan.collected, ended.objects) == ((tags[0],), 0)
    assert place.fetched(other)["edges/a.parquet"] == "edges 1"
    with pytest.raises(InvalidInput, match=rf"bytes of {tags[0]} were collected"):
        place.fetched(tags[0])


def test_registry_that_cannot_be_asked_collects_nothing(place: Place) -> None:
    three_nights(place)
    before = objects(place)

    def down(_: frozenset[str]) -> Mapping[str, str]:
        raise OutsideTrouble("MLflow does not answer.")

    plan = an_hour_later(place).collector.plan(NOTHING_KEPT, nobody, quiet)
    with pytest.raises(OutsideTrouble, match="does not answer"):
        collect(place, references=down, plan=plan)
    assert objects(place) == before
    assert place.store.journal().collected == {}
    assert place.log("journal")[0].endswith("0 objects, 0 bytes, stopped")


def test_hold_that_comes_after_the_refs_were_read_is_heeded(place: Place) -> None:
    tags = three_nights(place)
    before = objects(place)
    plan = an_hour_later(place).collector.plan(NOTHING_KEPT, nobody, quiet)

    def holding(_: frozenset[str]) -> Mapping[str, str]:  # asked after the journal was read
        place.store.holds.hold(tags[0], "just in time")
        return {}

    with pytest.raises(InvalidInput, match=r"no longer what the plan .* said: by now 0 tags.*dry-run"):
        collect(place, references=holding, plan=plan)
    assert objects(place) == before


def test_plan_that_changed_is_refused_and_nothing_goes(place: Place) -> None:
    tags = three_nights(place)
    plan = an_hour_later(place).collector.plan(NOTHING_KEPT, nobody, quiet)
    place.publish(4, "edges 4", previous=tags[-1])
    before = objects(place)
    with pytest.raises(InvalidInput, match=r"no longer what the plan .* said: by now 2 tags and \d+ objects"):
        collect(place, plan=plan)
    with pytest.raises(InvalidInput, match=r"keep-last 2.*same options"):
        collect(place, NOTHING_KEPT.model_copy(update={"keep_last": 2}), plan=plan)
    assert objects(place) == before


def test_second_collection_waits_for_the_first(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    three_nights(place)
    plan, origin, waits = collector_of(place).plan(NOTHING_KEPT, nobody, quiet), origin_of(place), list[int]()
    now = datetime.now(UTC)
    first = GcStarted(id="first", until=now + LATER, at=now, who="robot@here", reason="disk")
    append(origin, lambda _: first)

    def wait() -> None:
        waits.append(1)
        if len(waits) == 2:
            append(origin, lambda _: GcEnded(id="first", objects=0, bytes=0, outcome="done", at=now, who="robot@here"))

    monkeypatch.setattr(collection_watch, "pause", wait)
    assert collect(place, plan=plan)[1].outcome == "done"
    assert len(waits) == 2


def test_collection_that_was_given_up_deletes_nothing_more(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    three_nights(place)
    before, original = objects(place), RemoteObjects.remove

    def stands_still(self: RemoteObjects, batch: Sequence[StoredObject]) -> None:
        original(self, batch)
        (running,) = place.store.journal().running
        append(origin_of(place), lambda _: GcGivenUp(id=running.id, at=datetime.now(UTC), who="publisher@there"))

    monkeypatch.setattr(RemoteObjects, "remove", stands_still)
    with pytest.raises(OutsideTrouble, match=r"stood still .* given up; 1 objects are deleted.*--dry-run"):
        collect(place)
    assert len(before - objects(place)) == 1  # the file list goes first, in a batch of its own
    assert "ended: 1 objects" in place.log("journal")[0]


def test_suspend_does_not_stretch_the_time_of_a_collection(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    three_nights(place)
    before, original, slept = objects(place), RemoteObjects.remove, [0.0]

    def suspended(self: RemoteObjects, batch: Sequence[StoredObject]) -> None:
        original(self, batch)
        slept[0] = 3600.0

    # As on Linux: the count of `elapsed_seconds` goes on in a suspend, that of `time.monotonic` does not.
    monkeypatch.setattr(garbage_collection, "elapsed_seconds", lambda: time.monotonic() + slept[0])
    monkeypatch.setattr(RemoteObjects, "remove", suspended)
    with pytest.raises(OutsideTrouble, match=r"time is over; 1 objects are deleted"):
        collect(place)
    assert len(before - objects(place)) == 1


def test_collection_stops_when_its_time_is_over(place: Place) -> None:
    three_nights(place)
    before = objects(place)
    collector = an_hour_later(place).collector
    plan = collector.plan(NOTHING_KEPT, nobody, quiet)
    with pytest.raises(OutsideTrouble, match=r"time is over; 0 objects are deleted.*more --minutes"):
        collector.collect(plan.id, NOTHING_KEPT, nobody, reason="test", minutes=0, progress=quiet)
    assert objects(place) == before
    assert collect(place)[1].outcome == "done"


def test_bytes_that_go_while_it_works_are_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    three_nights(place)
    original = RemoteObjects.remove

    def greedy(self: RemoteObjects, batch: Sequence[StoredObject]) -> None:
        original(self, batch)
        for path in place.remote.rglob("*"):
            if path.is_file() and path.read_text() == "edges 3":
                path.unlink()

    monkeypatch.setattr(RemoteObjects, "remove", greedy)
    with pytest.raises(TamperedRecord, match=r"1 objects that had to stay are gone .*restore them from backup"):
        collect(place)


def test_delete_request_without_an_answer_is_ended_by_time_alone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    three_nights(place)

    def unanswered(_self: RemoteObjects, _batch: object) -> None:
        raise TimeoutError("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(RemoteObjects, "remove", unanswered)
        with pytest.raises(OutsideTrouble, match="no answer"):
            collect(place)
    assert not place.log("journal")[0].endswith("stopped")
    let_time_fly(monkeypatch)
    assert collect(place)[1].outcome == "done"
    assert any("given up" in line for line in place.log("journal"))


def test_collected_snapshot_that_is_listed_otherwise_now_is_not_restored(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = three_nights(place)
    collect(place)
    original = publisher.upload

    def otherwise(*arguments: object) -> Publication:
        return replace(original(*arguments), dvc_md5="0" * 32 + ".dir")  # type: ignore[arg-type]

    monkeypatch.setattr(publisher, "upload", otherwise)
    with pytest.raises(InvalidInput, match=r"was collected, and its files are listed as 000.*with the DVC version"):
        place.publish(1, "edges 1")
    assert tags[0] in place.store.journal().collected


def test_objects_restored_from_backup_are_read_with_plain_dvc_until_the_next_collection(place: Place) -> None:
    tags = three_nights(place)
    shutil.copytree(place.remote, place.root / "backup")
    collect(place)
    shutil.copytree(place.root / "backup", place.remote, dirs_exist_ok=True)
    dvc.api.DVCFileSystem(str(place.origin), rev=tags[0]).get("demo/data", str(place.root / "out"), recursive=True)
    assert read(place.root / "out")["edges/a.parquet"] == "edges 1"
    with pytest.raises(InvalidInput, match="were collected on"):
        place.fetched(tags[0])
    assert collect(place)[1].objects == 3


def test_collected_snapshot_published_again_is_there_again(place: Place) -> None:
    tags = three_nights(place)
    before = objects(place)
    collect(place)
    again = place.publish(1, "edges 1")
    assert again.tag == tags[0]
    assert len(place.tags()) == 3
    assert place.fetched(tags[0])["edges/a.parquet"] == "edges 1"
    assert place.log("journal")[0] == f"restored {tags[0]}"
    assert place.publish(1, "edges 1") == again  # and once is enough
    assert place.log("journal")[0] == f"restored {tags[0]}"
    assert objects(place) == before


@pytest.mark.slow
def test_publisher_between_its_upload_and_its_push_loses_nothing_to_a_collection(place: Place) -> None:
    first = place.publish(1, "edges one")
    uploaded = objects(place)
    process = start(place, stop="tagged", folder=place.folder("edges two"), night=2, previous=first.tag)
    wait_until_stopped(process)
    unfinished = objects(place) - uploaded
    assert len(unfinished) == 3
    publish_of_another_graph(place)

    plan, ended = collect(place)
    assert (plan.collected, ended.objects) == ((), 3)
    assert not objects(place) & unfinished

    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    second = next(tag for tag in place.tags() if tag.startswith("snap/demo/") and tag != first.tag)
    assert second in out
    assert place.fetched(second)["edges/a.parquet"] == "edges two"
    assert place.fetched(first.tag)["edges/a.parquet"] == "edges one"


@pytest.mark.slow
def test_publisher_of_a_split_loses_nothing_to_a_collection(place: Place) -> None:
    """Not even where the collection takes the snapshot that the split was made from."""
    tags = three_nights(place)
    uploaded = objects(place)
    process = start(place, stop="tagged", folder=place.folder("train", "split"), night=1, run_key="ab" * 32)
    wait_until_stopped(process)
    assert len(objects(place) - uploaded) == 3
    publish_of_another_graph(place)

    plan, ended = collect(place)
    assert (plan.collected, ended.objects) == ((tags[0],), 3 + 3)

    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    split = next(tag for tag in place.tags() if tag.startswith("split/"))
    assert split in out
    assert place.fetched(split)["edges/a.parquet"] == "train"
    assert collect(place, references=lambda _: {tags[0]: "a run has not ended"})[0].collected == ()
    assert collect(place)[0].collected == (split,)


@pytest.mark.slow
def test_collection_killed_in_the_middle_harms_nothing_and_the_next_one_ends_it(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = three_nights(place)
    before = objects(place)
    script = (
        "import os, signal, sys, datetime as d\n"
        "from pathlib import Path\n"
        "from pipeline.snapshots import remote_objects\n"
        "from pipeline.snapshots.remote_objects import RemoteObjects\n"
        "from pipeline.snapshots.retention import Policy\n"
        "from pipeline.snapshots.snapshot_store import SnapshotStore\n"
        "remote_objects.BATCH = 1\n"
        "original, calls = RemoteObjects.remove, []\n"
        "def remove(self, batch):\n"
        "    if len(calls) == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    calls.append(batch); original(self, batch)\n"
        "RemoteObjects.remove = remove\n"
        "store = SnapshotStore(sys.argv[1], Path(sys.argv[2]), lambda: d.datetime.now(d.UTC) + d.timedelta(hours=1))\n"
        "policy = Policy(keep_last=1, keep_days=0, grace_hours=0)\n"
        "plan = store.collector.plan(policy, lambda _: {}, lambda *_: None)\n"
        "store.collector.collect(plan.id, policy, lambda _: {}, reason='k', minutes=1, progress=lambda *_: None)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, str(place.origin), str(place.home)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(before) - len(objects(place)) == 2
    assert place.fetched(tags[2])["edges/a.parquet"] == "edges 3"
    with pytest.raises(InvalidInput, match="were collected on"):
        place.fetched(tags[0])
    let_time_fly(monkeypatch)
    after = an_hour_later(place)
    fourth = publish(after, place.folder("edges 4"), night=4, previous=tags[2]).tag  # what was killed is given up
    plan = after.collector.plan(NOTHING_KEPT, nobody, quiet)
    ended = after.collector.collect(plan.id, NOTHING_KEPT, nobody, reason="t", minutes=1, progress=quiet)[1]
    assert (plan.collected, ended.objects, ended.outcome) == ((tags[1],), 1 + 3, "done")
    assert place.fetched(fourth)["edges/a.parquet"] == "edges 4"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    (tmp_path / "s3").mkdir()
    with s3_store(tmp_path / "s3", "graphs") as access:
        for name, value in access.items():
            monkeypatch.setenv(name, value)
        yield Place(tmp_path, "s3://graphs/dvc")


@pytest.mark.slow
def test_bucket_is_published_to_read_and_collected_like_a_folder(bucket: Place) -> None:
    tags = three_nights(bucket)
    time.sleep(1)  # an S3 store keeps whole seconds
    plan, ended = collect(bucket)
    assert plan.collected == (tags[0],)
    assert (ended.objects, ended.outcome) == (3, "done")
    assert bucket.fetched(tags[2])["edges/a.parquet"] == "edges 3"
    with pytest.raises(InvalidInput, match="were collected on"):
        bucket.fetched(tags[0])
    assert bucket.publish(1, "edges 1").tag == tags[0]
    assert bucket.fetched(tags[0])["edges/a.parquet"] == "edges 1"


@pytest.mark.slow
def test_publisher_to_a_bucket_loses_nothing_to_a_collection(bucket: Place) -> None:
    first = bucket.publish(1, "edges one")
    process = start(bucket, stop="tagged", folder=bucket.folder("edges two"), night=2, previous=first.tag)
    wait_until_stopped(process)
    publish_of_another_graph(bucket)
    _, ended = collect(bucket)
    assert ended.objects == 3
    process.send_signal(signal.SIGCONT)
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    second = next(tag for tag in bucket.tags() if tag.startswith("snap/demo/") and tag != first.tag)
    assert second in out
    assert bucket.fetched(second)["edges/a.parquet"] == "edges two"
