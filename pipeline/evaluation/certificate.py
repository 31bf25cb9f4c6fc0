"""What an evaluation certifies: no compared model has seen the pairs that it is judged on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from torch import Tensor

from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.splits.leak_invariants import Invariant, absent
from pipeline.doors import Doors
from pipeline.evaluation.comparison import FreshPairs
from pipeline.graphs.tables import GraphTables
from pipeline.records.chain import WarmStart
from pipeline.runs.fetched_versions import version_model
from pipeline.runs.folder import RunFolder
from pipeline.runs.incumbent import Incumbent, readable, same_positions


def positions_keep_their_ids(before: Iterable[Sequence[int | str]], tables: GraphTables) -> Invariant:
    """Count the positions that mean another node tonight than in the models that are scored on them."""
    tonight = tables.node_ids.tolist()
    checked = violations = 0
    for ids in before:
        checked += len(ids)
        violations += sum(one != other for one, other in zip(ids, tonight, strict=False)) + max(
            0, len(ids) - len(tonight)
        )
    return Invariant("positions_keep_their_node_ids", checked, violations)


def unseen_by_champion(
    pairs: FreshPairs,
    history: EdgeHistory,
    champion_as_of: datetime | None,
    seen: Iterable[Tensor],
    who: str = "champion",
) -> Invariant:
    """Look the fresh pairs up in all that the champion has seen: the snapshot it was made from, and `seen`.

    The snapshot's edges are those first seen up to its as-of, a gate's pairs among them; `seen` are the pairs that the
    champion itself carries or that were published as its split, whatever the dates say.
    """
    until = -1 if champion_as_of is None else int(champion_as_of.timestamp())
    held = [history.first_seen_until(until), *(history.look_up(edges) for edges in seen)]
    fresh = history.look_up(pairs.positives[:, : pairs.num_fresh])
    return absent(f"fresh_edges_not_seen_by_{who}", fresh, *held)


def unseen_by_source(
    pairs: FreshPairs,
    history: EdgeHistory,
    warm: WarmStart | None,
    tables: GraphTables,
    folder: RunFolder,
    doors: Doors,
) -> tuple[Invariant, ...]:
    """Look the fresh pairs up in all that the source of a warm start has seen; no warm start, no count.

    All edges up to its as-of, and, where positions still mean the same nodes, the graph it carries and its split.
    """
    if warm is None:
        return ()
    held = [history.first_seen_until(int(warm.as_of.timestamp()))]
    held += [history.look_up(edges) for edges in _carried_by(folder, warm, tables, doors)]
    fresh = history.look_up(pairs.positives[:, : pairs.num_fresh])
    return (absent("fresh_edges_not_seen_by_warm_start", fresh, *held),)


def _carried_by(folder: RunFolder, warm: WarmStart, tables: GraphTables, doors: Doors) -> tuple[Tensor, ...]:
    """Return the pairs of the version's own graph and split; none where its positions are other nodes' tonight."""
    version = doors.registry.versions.get(folder.graph, warm.version)
    source = readable(version_model(folder, version, doors))
    if isinstance(source, str) or not same_positions(source, tables):
        return ()
    return Incumbent(version, source, "").seen(folder, doors)
