import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import OutsideTrouble
from pipeline.origin.git import GitOrigin
from pipeline.snapshots import collection_watch, publisher
from pipeline.snapshots.journal import append
from pipeline.snapshots.journal_entries import GcEnded, GcStarted
from pipeline.snapshots.snapshot_store import SnapshotStore
from tests.fixtures.publishing import FIRST, Place, arm, git, publish, start

NOW = datetime(2026, 3, 1, tzinfo=UTC)
POINTS = ("staged", "manifest", "half_added", "added", "half_written", "half_pushed", "verified", "tagged", "pushed")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def published_entries(place: Place, graph: str = "demo") -> list[str]:
    lines = git(place.origin, "show", f"journal:published/{graph}.jsonl").splitlines()
    return [json.loads(line)["tag"] for line in lines]


def gc_started(minutes: float, at: datetime = NOW, name: str = "abc") -> GcStarted:
    return GcStarted(id=name, until=at + timedelta(minutes=minutes), at=at, who="robot@here", reason="test")


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_publisher_killed_at_any_point_and_tried_again_loses_nothing(place: Place, point: str) -> None:
    first = place.publish(1, "edges one")
    folder = place.folder("edges two")
    (folder / "SHA256SUMS").unlink()  # so that there is a moment after it is written
    process = start(place, die=point, folder=folder, night=2, previous=first.tag)
    assert process.wait(timeout=200) == -signal.SIGKILL, process.communicate()[1]
    # Four objects of the first night; of the three new ones as many as the point says, the list that names them last.
    up = [path for path in place.remote.rglob("*") if path.is_file()]
    assert len(up) == 4 + {"half_written": 1, "half_pushed": 1, "verified": 3, "tagged": 3, "pushed": 3}.get(point, 0)
    assert any(path.suffix == ".tmp" for path in up) == (point == "half_written")

    second = publish(place.store, folder, night=2, previous=first.tag)

    assert sorted(place.tags()) == [first.tag, second.tag]
    assert published_entries(place) == [first.tag, second.tag]
    assert place.log("main") == [
        f"Publish {second.tag}: 3 edges", f"Publish {first.tag}: 3 edges", "Set up the data repository"
    ]  # fmt: skip
    assert place.log("journal") == [f"published {second.tag}", f"published {first.tag}"]
    git(place.origin, "fsck", "--strict")
    assert [item.tag for item in place.store.list("demo")] == [first.tag, second.tag]
    assert place.fetched(second.tag)["edges/a.parquet"] == "edges two"
    assert place.fetched(first.tag)["edges/a.parquet"] == "edges one"


@pytest.mark.slow
@pytest.mark.parametrize("point", ["half_pushed", "pushed"])
def test_publisher_of_a_split_killed_and_tried_again_loses_nothing(place: Place, point: str) -> None:
    snapshot = place.publish(1)
    folder = place.folder("train", "split")
    process = start(place, die=point, folder=folder, night=1, run_key="ab" * 32)
    assert process.wait(timeout=200) == -signal.SIGKILL, process.communicate()[1]
    split = place.store.publish_split(folder, graph="demo", as_of=FIRST + timedelta(days=1), run_key="ab" * 32)
    assert sorted(place.tags()) == [snapshot.tag, split.tag]
    assert place.fetched(split.tag)["edges/a.parquet"] == "train"
    assert published_entries(place) == [snapshot.tag, split.tag]


@pytest.mark.slow
def test_four_publishers_of_four_graphs_at_once_all_publish(place: Place) -> None:
    graphs = ["alpha", "beta", "gamma", "delta"]
    go = place.root / "go"
    children = [
        start(place, go=go, folder=place.folder(f"edges of {graph}", graph), graph=graph, night=1) for graph in graphs
    ]
    go.touch()
    answers = [child.communicate(timeout=250) for child in children]
    assert [child.returncode for child in children] == [0] * 4, answers
    tags = [json.loads(out)["tag"] for out, _ in answers]
    assert sorted(place.tags()) == sorted(tags)
    assert [place.fetched(tag)["edges/a.parquet"] for tag in tags] == [f"edges of {graph}" for graph in graphs]
    assert len(place.log("main")) == 5
    assert len(place.log("journal")) == 4


@pytest.mark.slow
def test_four_tries_of_one_night_at_once_publish_it_once(place: Place) -> None:
    first = place.publish(1)
    folder, go = place.folder("edges two"), place.root / "go"
    # Two machines with two tries each.
    homes = [place.root / f"machine-{number % 2}" for number in range(4)]
    children = [start(place, home=home, go=go, folder=folder, night=2, previous=first.tag) for home in homes]
    go.touch()
    answers = [child.communicate(timeout=250) for child in children]
    assert [child.returncode for child in children] == [0] * 4, answers
    assert len({out for out, _ in answers}) == 1
    tag = json.loads(answers[0][0])["tag"]
    assert sorted(place.tags()) == [first.tag, tag]
    assert published_entries(place) == [first.tag, tag]
    assert place.fetched(tag)["edges/a.parquet"] == "edges two"


def test_journal_moved_by_another_publication_costs_no_second_upload(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads: list[str] = []
    original = publisher.upload

    def counted(*arguments: object) -> object:
        answer = original(*arguments)  # type: ignore[arg-type]
        uploads.append(answer.tag)
        if len(uploads) == 1:
            place.publish(1, graph="other")
        return answer

    monkeypatch.setattr(publisher, "upload", counted)
    tag = place.publish(1).tag
    assert len([name for name in uploads if name == tag]) == 1
    assert len(place.tags()) == 2


def test_collection_that_came_between_costs_a_second_upload(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads: list[str] = []
    original = publisher.upload
    origin = GitOrigin(str(place.origin), place.home)
    ended = GcEnded(id="abc", objects=0, bytes=0, outcome="done", at=NOW, who="robot@here")

    def counted(*arguments: object) -> object:
        answer = original(*arguments)  # type: ignore[arg-type]
        uploads.append(answer.tag)
        if len(uploads) == 1:
            append(origin, lambda _: gc_started(10, datetime.now(UTC)))
            append(origin, lambda _: ended)
        return answer

    monkeypatch.setattr(publisher, "upload", counted)
    tag = place.publish(1).tag
    assert uploads == [tag, tag]
    assert place.log("journal")[0] == f"published {tag}"


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(minutes=20), timedelta(days=400)])
def test_publisher_waits_for_a_running_collection_whatever_its_clock_says(
    place: Place, monkeypatch: pytest.MonkeyPatch, ahead: timedelta
) -> None:
    origin, waits = GitOrigin(str(place.origin), place.home), list[int]()
    append(origin, lambda _: gc_started(10))

    def wait() -> None:
        assert place.tags() == []
        waits.append(1)
        if len(waits) == 3:
            append(origin, lambda _: GcEnded(id="abc", objects=0, bytes=0, outcome="done", at=NOW, who="robot@here"))

    monkeypatch.setattr(collection_watch, "pause", wait)
    store = SnapshotStore(str(place.origin), place.home, clock=lambda: NOW + ahead)
    assert publish(store, place.folder("edges"), night=1).tag in place.tags()
    assert len(waits) == 3


def test_collections_without_end_are_trouble_outside(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    original, origin = publisher.upload, GitOrigin(str(place.origin), place.home)

    def disturbed(*arguments: object) -> object:
        answer = original(*arguments)  # type: ignore[arg-type]
        name = f"{datetime.now(UTC)}"
        append(origin, lambda _: gc_started(10, name=name))
        append(origin, lambda _: GcEnded(id=name, objects=0, bytes=0, outcome="done", at=NOW, who="robot@here"))
        return answer

    monkeypatch.setattr(publisher, "upload", disturbed)
    with pytest.raises(OutsideTrouble, match=r"3 garbage collections began while snap/demo.*rest for a while"):
        place.publish(1)
    assert place.tags() == []


@pytest.mark.parametrize("point", POINTS)
def test_points_of_the_kill_test_are_reached(place: Place, point: str) -> None:
    struck: list[str] = []
    arm(point, lambda: struck.append(point))
    folder = place.folder("edges")
    (folder / "SHA256SUMS").unlink()
    publish(place.store, folder, night=1)
    assert struck == [point]
