from __future__ import annotations

from pipeline.ledger.entries import NightEntry
from pipeline.ledger.served_weights import champion_weights, refreshes, served_in_words, weights_of
from tests.fixtures.refresh_entries import AT, moved, observed, refreshed


def test_refresh_carries_the_weights_of_another_version_and_every_other_version_its_own() -> None:
    entries = [moved(3, None), refreshed(7, 3, weights_of=3), refreshed(8, 7, weights_of=3)]
    assert [weights_of(entries, version) for version in (3, 7, 8, 9, None)] == [3, 3, 3, 9, None]
    assert {version: entry.previous for version, entry in refreshes(entries).items()} == {7: 3, 8: 7}


def test_champions_weights_stay_through_refreshes_and_change_with_a_promotion() -> None:
    entries = [moved(1, None), refreshed(2, 1, weights_of=1)]
    assert champion_weights(entries) == 1
    assert champion_weights([*entries, moved(3, 2)]) == 3
    assert champion_weights([]) is None


def test_alias_that_somebody_moved_to_a_refresh_means_its_weights() -> None:
    entries = [moved(1, None), refreshed(2, 1, weights_of=1), moved(3, 2), observed(2, 3)]
    assert champion_weights(entries) == 1
    assert champion_weights([*entries, observed(None, 2)]) is None


def test_version_is_told_with_the_night_of_its_weights_and_that_of_its_graph() -> None:
    night = NightEntry(
        graph="demo", run_name="demo-1", as_of=AT, at=AT, outcome="promoted", reason="r", completed=True, version=3
    )
    entries = [moved(3, None), night, refreshed(7, 3, weights_of=3, tag="snap/demo/20260105T030000Z/cccccccccccc")]
    assert served_in_words(entries, 7) == (
        "version 7: weights of version 3 (night of 2026-01-02 00:00), graph of 2026-01-05 03:00"
    )
    assert served_in_words(entries, 3) == "version 3: weights and graph of the night of 2026-01-02 00:00"
    assert served_in_words(entries, 9) == "version 9: weights and graph of the night that the ledger does not name"
