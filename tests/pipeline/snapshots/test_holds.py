from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import InvalidInput
from pipeline.origin.git import GitOrigin
from pipeline.snapshots.journal import append
from pipeline.snapshots.journal_entries import Collected
from tests.fixtures.publishing import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_hold_stands_until_it_is_released(place: Place) -> None:
    tag = place.publish(1).tag
    held = place.store.holds.hold(tag, "the  paper's\ngraph")
    assert (held.tag, held.reason) == (tag, "the paper's graph")
    assert place.store.journal().holds == {tag: held}
    assert place.store.holds.hold(tag, "the paper's graph") == held  # once is enough
    assert len(place.log("journal")) == 2
    place.store.holds.release(tag, "it is out")
    assert place.store.journal().holds == {}
    assert place.log("journal")[0] == f"release {tag}: it is out"


def test_hold_of_what_is_not_there_is_refused(place: Place) -> None:
    tag = place.publish(1).tag
    with pytest.raises(InvalidInput, match=r"published as snap/demo/none\. `ncnc snapshots list"):
        place.store.holds.hold("snap/demo/none", "x")
    with pytest.raises(InvalidInput, match=rf"{tag} is not held\. Held are: none\. Give .*`ncnc snapshots list GRAPH`"):
        place.store.holds.release(tag, "x")
    for reason in ("", "  "):
        with pytest.raises(InvalidInput, match=rf"needs a reason, but got '{reason}'\. Say it with --reason"):
            place.store.holds.hold(tag, reason)
    gone = Collected(id="a", tags=(tag,), policy="p", at=datetime(2026, 5, 1, tzinfo=UTC), who="robot@x", reason="disk")
    append(GitOrigin(str(place.origin), place.home), lambda _: gone)
    remedy = r"`ncnc snapshots show` .*Take another snapshot .*later as-of, or .*from backup .*`dvc get`"
    with pytest.raises(
        InvalidInput, match=rf"bytes of {tag} were collected on 2026-05-01 00:00 by robot@x \(disk\).*{remedy}"
    ) as caught:
        place.store.holds.hold(tag, "too late")
    assert "same as-of" not in str(caught.value)  # what is older than the newest cannot be delivered again
