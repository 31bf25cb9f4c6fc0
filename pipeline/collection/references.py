"""Who refers to which snapshot: registered versions, runs under way, and the aliases as the ledger has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pipeline.doors import Doors
from pipeline.ledger.alias_history import standings
from pipeline.ledger.entries import NightEntry
from pipeline.ledger.night import last_nights
from pipeline.ledger.shadows import standing_shadow


def references_from(doors: Doors) -> Callable[[Iterable[str]], Mapping[str, str]]:
    """Return a function of some graphs that gives each tag in use and by what; it raises where it cannot be sure."""

    def ask(graphs: Iterable[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for graph in sorted(graphs):
            for tag, said in _of_graph(doors, graph):
                found[tag] = f"{found[tag]}, {said}" if tag in found else said
        return found

    return ask


def _of_graph(doors: Doors, graph: str) -> Iterable[tuple[str, str]]:
    doors.aliases.expect_agreement(graph)  # of another MLflow's versions, one cannot tell what is in use
    versions = doors.registry.contents.snapshots_of_versions(graph)
    named = {version: alias for alias, version in doors.registry.aliases.of(graph).items()}
    for version, tag in sorted(versions.items()):
        if tag is not None:
            yield tag, f"version {version}{f' ({named[version]})' if version in named else ''} was made from it"
    for run, tag in sorted(doors.registry.contents.snapshots_of_open_runs(graph).items()):
        yield tag, f"run {run} has not ended"
    entries = doors.ledger.entries(graph)
    standing = {stands.version: alias for alias, stands in standings(entries).items() if stands.version is not None}
    shadow = standing_shadow(entries)
    night = last_nights(entries).get(shadow.shadow.run_name) if shadow is not None else None
    if night is not None and night.snapshot_tag is not None:
        yield night.snapshot_tag, f"the shadow, run {night.run_name}, was made from it"
    for entry in entries:
        # Written ahead of the registry: an alias may be about to move there.
        if isinstance(entry, NightEntry) and entry.version in standing and entry.snapshot_tag is not None:
            yield entry.snapshot_tag, f"the ledger's {standing[entry.version]} was made from it"
