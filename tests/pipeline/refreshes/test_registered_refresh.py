"""What a registered refresh says of itself; how it is made is in test_refresh.py."""

from __future__ import annotations

from pipeline.params.refresh import RefreshParams
from pipeline.refreshes.refresh import Asked, refresh
from pipeline.refreshes.registered_refresh import kept_record, tag_by_the_ledger
from tests.fixtures.kept_nights import KeptNights


def test_version_says_whose_weights_and_which_graph_it_is_and_its_record_is_the_ledgers(nights: KeptNights) -> None:
    nights.promoted(1)
    nights.ended(2, "kept")
    record = refresh(nights.graph, RefreshParams(), Asked("ann", "kept"), doors=nights.doors)
    registry = nights.doors.registry
    card = registry.server.client.get_model_version(nights.graph, "2").description
    assert card.startswith(f"# {nights.graph} version 2\n\nThe weights of version 1 (night of 2026-01-02 00:00 UTC)")
    assert "the graph of 2026-01-03 00:00 UTC. Nothing was trained" in card
    assert "| not_collapsed | MRR loses no more than 0.1" in card

    version = registry.versions.get(nights.graph, 2)
    assert kept_record(version, nights.doors) == record
    assert kept_record(registry.versions.get(nights.graph, 1), nights.doors) is None
    registry.versions.tag(nights.graph, 2, {"ncnc.lineage_sha256": "9" * 64})  # a second try that came later
    tag_by_the_ledger(registry.versions.get(nights.graph, 2), nights.doors)
    assert registry.versions.get(nights.graph, 2).tags["ncnc.lineage_sha256"] == record.sha256
