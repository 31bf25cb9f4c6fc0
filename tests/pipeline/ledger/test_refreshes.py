from __future__ import annotations

import pytest

from pipeline.errors import InvalidInput, NothingToDo, TamperedRecord
from pipeline.ledger.alias_history import (
    ALIASES,
    AliasState,
    Move,
    Overtaken,
    champions,
    crowning,
    lineages,
    standings,
)
from pipeline.ledger.entries import RegistryCollected
from pipeline.ledger.promotion_stops import stopping
from pipeline.ledger.refreshes import refreshing
from pipeline.ledger.registry_agreement import RegistryState, adoption, highest_version, run_keys
from pipeline.ledger.served_weights import champion_weights, with_weights
from pipeline.ledger.story import story
from tests.fixtures.refresh_entries import AT, moved, observed, refreshed

MOVE = Move("demo", "ann", "better", AT)


def test_refresh_replaces_what_serves_now_and_leaves_the_other_aliases() -> None:
    entries = [moved(1, None), refreshed(2, 1, weights_of=1)]
    (entry,) = refreshing(entries, refreshed(3, 1, weights_of=1))
    assert (entry.version, entry.previous) == (3, 2)
    known = standings([*entries, entry])
    assert {alias: item.version for alias, item in known.items()} == {"champion": 3}
    assert known["champion"].moves == 3
    assert refreshing([*entries, entry], entry) == ()


def test_refresh_of_other_weights_than_the_champions_is_nobodys() -> None:
    entries = [moved(1, None), moved(2, 1)]
    with pytest.raises(
        NothingToDo, match=r"Version 3 of demo has the weights of version 1, but the champion is version 2"
    ):
        refreshing(entries, refreshed(3, 1, weights_of=1))
    with pytest.raises(NothingToDo, match="there is no champion"):
        refreshing([], refreshed(3, 1, weights_of=1))


def test_refresh_with_another_record_than_the_ledger_has_is_refused() -> None:
    entries = [moved(1, None), refreshed(2, 1, weights_of=1), refreshed(3, 2, weights_of=1)]
    changed = refreshed(2, 3, weights_of=1).model_copy(update={"lineage_sha256": "9" * 64})
    with pytest.raises(
        TamperedRecord, match="version 2 of demo has sha256 999999999999, but the ledger has 222222222222"
    ):
        refreshing(entries, changed)
    assert lineages(entries)[3] == ("3" * 64,)


def test_collected_refresh_serves_no_more() -> None:
    gone = RegistryCollected(
        graph="demo", versions=(2,), checkpoints=(), run_folders=(), policy="x", at=AT, who="ann", reason="x"
    )
    entries = [moved(1, None), refreshed(2, 1, weights_of=1), refreshed(3, 2, weights_of=1), gone]
    with pytest.raises(InvalidInput, match="Version 2 of demo was collected"):
        refreshing(entries, refreshed(2, 3, weights_of=1))


def test_promotion_and_rollback_compare_weights_and_previous_means_other_weights() -> None:
    entries = [moved(1, None), refreshed(2, 1, weights_of=1)]
    made = crowning(entries, 3, MOVE, instead_of=1)  # as the gate compared it: with the weights of version 1
    assert [(item.alias, item.version, item.previous) for item in made] == [
        ("challenger", 3, None),
        ("previous", 1, None),
        ("champion", 3, 2),
    ]
    after = [*entries, *made, refreshed(4, 3, weights_of=3)]
    assert champions(after) == (1, 3)
    assert crowning(after, 3, MOVE, instead_of=1) == ()  # a retry of the promotion, after a refresh
    with pytest.raises(Overtaken):
        crowning(after, 5, MOVE, instead_of=1)
    back = crowning(after, 1, MOVE, instead_of=3, challenger=False)
    assert [(item.alias, item.version) for item in back] == [("previous", 3), ("champion", 1)]
    assert champions([*after, *back]) == (3, 1)


def test_refresh_never_was_champion_also_where_somebody_moved_the_alias_there() -> None:
    entries = [moved(1, None), refreshed(2, 1, weights_of=1), moved(3, 2), observed(2, 3)]
    assert champions(entries) == (3, 1)


def test_pin_holds_the_weights_whichever_graph_serves() -> None:
    entries = [moved(1, None), refreshed(2, 1, weights_of=1)]
    for version in (1, 2):
        (pin,) = stopping(entries, MOVE, version=version, until=None)
        assert pin.version == 1
        assert refreshing([*entries, pin], refreshed(3, 2, weights_of=1))  # refreshes go on
    with pytest.raises(InvalidInput, match="Version 3 of demo is not the champion, version 1 is"):
        stopping(entries, MOVE, version=3, until=None)


def test_number_of_a_refresh_is_known_and_never_given_again() -> None:
    entries = [moved(1, None), refreshed(4, 1, weights_of=1)]
    assert highest_version(entries) == 4
    assert run_keys(entries) == {4: "4" * 64}


def test_history_tells_refreshes_with_weights_and_graph() -> None:
    from pipeline.ledger.entries import RefreshRefused

    refused = RefreshRefused(
        graph="demo", version=2, weights_of=1, snapshot_tag=refreshed(2, 1, weights_of=1).snapshot_tag, at=AT,
        who="run y", why="it collapsed",
    )  # fmt: skip
    events = story([moved(1, None), refreshed(2, 1, weights_of=1), refused, moved(3, 2)])
    assert [(item.kind, item.what, item.champion) for item in events] == [
        ("promotion", "version 1 becomes the first champion", 1),
        ("refreshed", "version 2 serves the graph of 2026-01-02 03:00 with the weights of version 1", 2),
        ("refresh refused", "the graph of 2026-01-02 03:00 was not served: version 2 stays", 2),
        ("promotion", "version 3 becomes champion in place of version 2", 3),
    ]


def test_refresh_whose_entry_was_lost_is_known_by_mlflows_tag_once_somebody_adopts_or_finds_it() -> None:
    lost = [moved(1, None)]  # restored from before version 2 was made
    state = RegistryState(
        where="here",
        made_at=AT,
        aliases=dict.fromkeys(ALIASES, AliasState(None, None)) | {"champion": AliasState(2, None)},
        versions={1: None, 2: "2" * 64},
        weights={2: 1},
    )
    adopted = adoption(lost, state, MOVE)
    after = [*lost, *adopted]
    assert (standings(after)["champion"].version, champion_weights(after), champions(after)) == (2, 1, (1,))
    assert refreshing(after, refreshed(3, 2, weights_of=1))
    assert crowning(after, 4, MOVE, instead_of=1)
    (seen,) = with_weights([observed(2, 1)], {2: 1})
    assert champion_weights([*lost, seen]) == 1
