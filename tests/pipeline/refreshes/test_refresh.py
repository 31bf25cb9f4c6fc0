"""A refresh on real git, DVC and MLflow: what is served, what is entered, and that it is made once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ncnc_core.link_model import LinkModel
from pipeline.errors import NothingToDo
from pipeline.ledger.alias_history import Move, lineages
from pipeline.ledger.entries import GraphRefreshed, RefreshRefused
from pipeline.params.refresh import RefreshParams
from pipeline.records.digests import sha256_of_file
from pipeline.refreshes import refresh as refreshing
from pipeline.refreshes.refresh import Asked, RefusedRefresh, refresh
from tests.fixtures.kept_nights import KeptNights

ASKED = Asked("ann", "the night was kept")
PARAMS = RefreshParams()


def served(nights: KeptNights, place: Path) -> LinkModel:
    champion = nights.doors.registry.versions.champion(nights.graph)
    assert champion is not None
    return LinkModel.load(nights.doors.registry.models.fetch(champion, place))


def moves(nights: KeptNights) -> list[GraphRefreshed]:
    return [entry for entry in nights.doors.ledger.entries(nights.graph) if isinstance(entry, GraphRefreshed)]


def test_champion_serves_the_newest_graph_with_its_own_weights(nights: KeptNights, tmp_path: Path) -> None:
    nights.promoted(1)
    nights.ended(2, "kept")
    nights.ended(3, "kept")
    record = refresh(nights.graph, PARAMS, ASKED, doors=nights.doors)

    assert (record.version, record.weights_of, record.replaced) == (2, 1, 1)
    assert nights.doors.registry.aliases.of(nights.graph) == {"challenger": 1, "champion": 2}  # previous: none
    model = served(nights, tmp_path / "served")
    known = [[model.node_ids[end] for end in pair] for pair in model.adjacency.edges().T.tolist()]
    assert sorted(known) == nights.pairs_of_ids(3)
    first = nights.doors.registry.versions.get(nights.graph, 1)
    before = nights.doors.registry.models.fetch(first, tmp_path / "first")
    weights = [sha256_of_file(folder / "weights.safetensors") for folder in (before, tmp_path / "served")]
    assert weights[0] == weights[1]

    (entry,) = moves(nights)
    assert (entry.version, entry.previous, entry.weights_of, entry.snapshot_tag) == (2, 1, 1, nights.tags[-1])
    assert entry.lineage_sha256 == record.sha256
    assert "not measured: 0 fresh edges that both graphs know, 50 needed" in entry.why
    version = nights.doors.registry.versions.get(nights.graph, 2)
    assert version.tags["ncnc.lineage_sha256"] == record.sha256
    assert (version.weights_of, version.run_id, version.as_of) == (1, first.run_id, nights.as_of(3))
    assert record.weights_lineage_sha256 == first.tags["ncnc.lineage_sha256"]


def test_asking_again_makes_nothing(nights: KeptNights) -> None:
    nights.promoted(1)
    nights.ended(2, "kept")
    refresh(nights.graph, PARAMS, ASKED, doors=nights.doors)
    entries = nights.doors.ledger.entries(nights.graph)
    with pytest.raises(NothingToDo, match=r"Version 2 of .* serves the newest graph already, that of 2026-01-03"):
        refresh(nights.graph, PARAMS, ASKED, doors=nights.doors)
    assert nights.doors.ledger.entries(nights.graph) == entries
    assert len(nights.doors.registry.contents.versions(nights.graph)) == 2


def test_promoted_night_has_nothing_to_refresh(nights: KeptNights) -> None:
    nights.promoted(1)
    with pytest.raises(NothingToDo, match=r"Version 1 of .* serves the newest graph already"):
        refresh(nights.graph, PARAMS, ASKED, doors=nights.doors)


def test_graph_without_champion_or_snapshot_has_nothing_to_refresh(nights: KeptNights) -> None:
    nights.publish(1)
    with pytest.raises(NothingToDo, match="has no champion"):
        refresh(nights.graph, PARAMS, ASKED, doors=nights.doors)


def test_weights_that_come_back_find_their_refresh_of_before(nights: KeptNights) -> None:
    nights.promoted(1)
    nights.ended(2, "kept")
    refresh(nights.graph, PARAMS, ASKED, doors=nights.doors)
    nights.doors.aliases.move("champion", 1, Move(nights.graph, "ann", "by hand", nights.doors.clock()))
    record = refresh(nights.graph, PARAMS, ASKED, doors=nights.doors)
    assert record.version == 2
    assert nights.doors.registry.aliases.of(nights.graph)["champion"] == 2
    assert [entry.version for entry in moves(nights)] == [2, 2]
    assert len(nights.doors.registry.contents.versions(nights.graph)) == 2
    assert len(lineages(nights.doors.ledger.entries(nights.graph))[2]) == 1


def test_snapshot_that_no_night_made_is_served_too_and_its_measure_is_said_to_be_missing(nights: KeptNights) -> None:
    nights.promoted(1)
    nights.publish(2)  # as `ncnc snapshots ingest` does
    record = refresh(nights.graph, PARAMS, ASKED, doors=nights.doors)
    assert record.snapshot_sha256 is None
    assert "the night of this graph has made no split" in moves(nights)[0].why


def test_refused_refresh_leaves_what_is_served_and_says_why_once(
    nights: KeptNights, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.promoted(1)
    nights.ended(2, "kept")
    judged = refreshing.judged

    def collapsed(*given: object) -> object:
        finite, other = judged(*given)  # type: ignore[arg-type]
        return finite, other.model_copy(update={"passed": False, "observed": "MRR 0.1 on the new graph"})

    monkeypatch.setattr(refreshing, "judged", collapsed)
    for _ in range(2):
        with pytest.raises(RefusedRefresh, match=r"version 1 .* stays: not_collapsed: observed MRR 0.1.*ncnc refresh"):
            refresh(nights.graph, PARAMS, ASKED, doors=nights.doors)
    refused = [entry for entry in nights.doors.ledger.entries(nights.graph) if isinstance(entry, RefreshRefused)]
    assert [(entry.version, entry.snapshot_tag) for entry in refused] == [(1, nights.tags[-1])]
    assert nights.doors.registry.aliases.of(nights.graph)["champion"] == 1
    assert [item.version for item in nights.doors.registry.contents.versions(nights.graph)] == [1]


@pytest.mark.slow
def test_try_that_is_killed_anywhere_is_finished_by_the_next(
    nights: KeptNights, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.promoted(1)
    nights.ended(2, "kept")
    registry = nights.doors.registry
    for owner, name in (
        (registry.models, "log"),
        (registry.versions, "create"),
        (registry.refreshes, "put"),
        (nights.doors.aliases, "refresh"),
    ):
        original = getattr(owner, name)

        def killed(*given: object, _original: object = original, **named: object) -> object:
            _original(*given, **named)  # type: ignore[operator]
            raise KeyboardInterrupt

        with monkeypatch.context() as planted:
            planted.setattr(owner, name, killed)
            with pytest.raises(KeyboardInterrupt):
                refresh(nights.graph, PARAMS, ASKED, doors=nights.doors)
    with pytest.raises(NothingToDo, match="already"):
        refresh(nights.graph, PARAMS, ASKED, doors=nights.doors)
    (entry,) = moves(nights)
    version = registry.versions.get(nights.graph, entry.version)
    assert version.tags["ncnc.lineage_sha256"] == entry.lineage_sha256
    assert registry.refreshes.get(version.run_id, entry.lineage_sha256) is not None
    assert [item.version for item in registry.contents.versions(nights.graph)] == [1, entry.version]


def test_promotion_that_comes_meanwhile_wins(nights: KeptNights, monkeypatch: pytest.MonkeyPatch) -> None:
    nights.promoted(1)
    second = nights.decided(2, promote=True, champion=1)
    move = nights.doors.aliases.refresh

    def overtaken(entry: GraphRefreshed) -> object:
        from pipeline.params.params import Params
        from pipeline.steps import register

        register.run(second, Params(), doors=nights.doors)
        return move(entry)

    monkeypatch.setattr(nights.doors.aliases, "refresh", overtaken)
    with pytest.raises(NothingToDo, match="a promotion or a rollback came first"):
        refresh(nights.graph, PARAMS, ASKED, doors=nights.doors)
    aliases = nights.doors.registry.aliases.of(nights.graph)
    assert (aliases["champion"], aliases["previous"]) == (3, 1)


@pytest.mark.slow
def test_two_tries_at_once_make_one_version(nights: KeptNights) -> None:
    from concurrent.futures import ThreadPoolExecutor

    nights.promoted(1)
    nights.ended(2, "kept")

    def attempt(number: int) -> int | None:
        doors = replace(nights.doors)  # doors of its own, as another process has
        try:
            return refresh(nights.graph, PARAMS, Asked(f"try {number}", "kept"), doors=doors).version
        except NothingToDo:
            return None

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(attempt, range(2)))
    (entry,) = moves(nights)
    assert set(made) <= {entry.version, None}
    assert [item.version for item in nights.doors.registry.contents.versions(nights.graph)] == [1, entry.version]
