from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.origin.git import GitOrigin
from pipeline.snapshots import publisher
from pipeline.snapshots.journal import append
from pipeline.snapshots.journal_entries import Collected
from tests.fixtures.publishing import FIRST, Place, git

FAR = 13_300  # nights: a mistyped year


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_night_after_a_retraction_is_built_on_the_last_good_one(place: Place) -> None:
    good = place.publish(1, "edges 1").tag
    mistyped = place.publish(FAR, "edges of 2062", previous=good).tag
    entry = place.store.retractions.retract(mistyped, "a mistyped  year")
    assert (entry.tag, entry.reason) == (mistyped, "a mistyped year")
    assert place.store.retractions.retract(mistyped, "again") == entry  # once is enough

    assert place.log("journal")[0] == f"retracted {mistyped}: a mistyped year"
    assert place.log("main")[0] == f"Retract {mistyped}: a mistyped year"
    for name in ("data.dvc", "snapshot.json", ".gitignore"):
        assert git(place.origin, "show", f"main:demo/{name}") == git(place.origin, "show", f"{good}:demo/{name}")
    latest = place.fresh().latest("demo")
    assert latest is not None
    assert latest.tag == good
    assert [item.tag for item in place.store.list("demo")] == [good]
    next_night = place.publish(2, "edges 2", previous=good).tag
    assert [item.tag for item in place.store.list("demo")] == [good, next_night]
    assert sorted(place.tags()) == sorted([good, next_night, mistyped])  # the tag stays, and can be read
    assert place.fetched(mistyped)["edges/a.parquet"] == "edges of 2062"


def test_retracted_first_snapshot_leaves_a_graph_that_begins_anew(place: Place) -> None:
    first, other = place.publish(FAR).tag, place.publish(1, graph="other").tag
    place.store.retractions.retract(first, "mistyped")
    assert place.store.latest("demo") is None
    assert git(place.origin, "ls-tree", "-r", "--name-only", "main", "demo") == ""
    assert [item.tag for item in place.store.list("other")] == [other]
    assert place.publish(1).tag in place.tags()


def test_snapshot_that_later_ones_were_built_on_is_retracted_after_them(place: Place) -> None:
    first = place.publish(1, "edges 1").tag
    second = place.publish(2, "edges 2", previous=first).tag
    with pytest.raises(InvalidInput, match=rf"{first} is not the newest.*built on it.*newest first: {second}"):
        place.store.retractions.retract(first, "wrong source")
    for tag in (second, first):
        place.store.retractions.retract(tag, "wrong source")
    assert sorted(place.store.journal().retracted) == [first, second]
    assert place.store.list("demo") == ()


def test_what_cannot_be_retracted_is_refused(place: Place) -> None:
    tag = place.publish(1, "edges 1").tag
    with pytest.raises(InvalidInput, match=r"published as snap/demo/none\. `ncnc snapshots list"):
        place.store.retractions.retract("snap/demo/none", "x")
    with pytest.raises(InvalidInput, match=r"needs a reason, but got ' '\. Say it with --reason"):
        place.store.retractions.retract(tag, " ")
    split = place.store.publish_split(
        place.folder("train", "split"), graph="demo", as_of=FIRST + timedelta(days=1), run_key="ab" * 32
    )
    with pytest.raises(InvalidInput, match=rf"{split.tag} is a split\. Name the snapshot"):
        place.store.retractions.retract(split.tag, "x")
    newest = place.publish(2, "edges 2", previous=tag).tag
    gone = Collected(id="a", tags=(tag,), policy="p", at=FIRST, who="robot@x", reason="disk")
    append(GitOrigin(str(place.origin), place.home), lambda _: gone)
    with pytest.raises(InvalidInput, match=rf"bytes of {tag} were collected"):  # there would be no way back
        place.store.retractions.retract(newest, "x")
    assert place.store.journal().retracted == {}


def test_retracted_snapshot_is_not_published_again(place: Place) -> None:
    good = place.publish(1, "edges 1").tag
    bad = place.publish(2, "edges 2", previous=good).tag
    place.store.retractions.retract(bad, "half of the rows")
    with pytest.raises(InvalidInput, match=rf"{bad} was retracted on .*\(half of the rows\).*Deliver the right graph"):
        place.publish(2, "edges 2", previous=good)
    mended = place.store.publish(
        place.folder("all edges"), graph="demo", as_of=FIRST + timedelta(days=2), content_id="c" * 64,
        source_sha256="6" * 64, num_edges=4, previous_tag=good,
    )  # fmt: skip
    assert [item.tag for item in place.store.list("demo")] == [good, mended.tag]


def test_publication_under_way_on_a_snapshot_that_is_retracted_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = place.publish(1, "edges 1").tag
    bad = place.publish(2, "edges 2", previous=good).tag
    original = publisher.upload

    def meanwhile(*arguments: object) -> object:
        answer = original(*arguments)  # type: ignore[arg-type]
        place.store.retractions.retract(bad, "in the meantime")
        return answer

    monkeypatch.setattr(publisher, "upload", meanwhile)
    with pytest.raises(OutsideTrouble, match=rf"newest snapshot is {good} by now, but this one was built on {bad}"):
        place.publish(3, "edges 3", previous=bad)
    assert [item.tag for item in place.store.list("demo")] == [good]
