"""The leak certificate of a night: every invariant, counted on what was published, used and scored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ncnc_core.edge_history import EdgeHistory
from ncnc_core.leak_invariants import Invariant, absent, leak_invariants
from ncnc_core.training_data import TrainingData
from pipeline.comparison import FreshPairs
from pipeline.graph_tables import GraphTables
from pipeline.records import EdgeSplit, LeakInvariant
from pipeline.run_data import Stage, feature_cut
from pipeline.split_arrays import SplitArrays


def as_records(found: Iterable[Invariant]) -> tuple[LeakInvariant, ...]:
    """Return invariants as a record keeps them."""
    return tuple(LeakInvariant(name=item.name, checked=item.checked, violations=item.violations) for item in found)


def edge_history(tables: GraphTables) -> EdgeHistory:
    """Return every edge that a snapshot ever held, to be looked up by pair."""
    edges, first_seen, alive_since, removed_at = (
        torch.tensor(array) for array in (tables.edges, tables.first_seen, tables.alive_since, tables.removed_at)
    )
    return EdgeHistory.of(edges, first_seen, alive_since, removed_at, tables.num_nodes)


def split_certificate(
    arrays: SplitArrays,
    history: EdgeHistory,
    *,
    as_of: datetime,
    cut_train: datetime | None,
    cut_valid: datetime | None,
) -> tuple[Invariant, ...]:
    """Return the invariants of a split, counted on its arrays as they were read back."""
    train, valid = (None if cut is None else int(cut.timestamp()) for cut in (cut_train, cut_valid))
    return leak_invariants(arrays, history, as_of=int(as_of.timestamp()), cut_train=train, cut_valid=valid)


def training_certificate(data: TrainingData, arrays: SplitArrays, history: EdgeHistory) -> tuple[Invariant, ...]:
    """Return the invariants of the pairs that training was handed, whoever put them together."""
    held_out = history.look_up(torch.cat([arrays.valid, arrays.test], dim=1))
    sees, avoids = history.look_up(data.message_edges), history.look_up_keys(data.forbidden_keys)
    test, chooses = history.look_up(arrays.test), history.look_up(data.valid_edges)
    return (
        absent("held_out_pairs_not_among_what_training_avoids", held_out, avoids, sees),  # see never_negative
        absent("held_out_pairs_not_in_what_training_sees", held_out, sees),
        absent("test_pairs_not_among_what_chooses_the_epoch", test, chooses),
    )


def features_as_known(
    stage: Stage, used: Tensor | None, tables: GraphTables, split: EdgeSplit, as_of: datetime
) -> tuple[Invariant, ...]:
    """Count the nodes whose features, as they were used, are not those known at the stage's cut; none, no count.

    What was known is found anew from the history: `GraphTables.features_at` made what was used, and would agree with
    itself.
    """
    if used is None:
        return ()
    cut = feature_cut(split, stage)
    known = _newest_by(tables, int(as_of.timestamp()) if cut is None else cut)
    differ: NDArray[np.bool_] = (used.numpy() != known).any(axis=1)
    return (Invariant(f"{stage}_features_not_younger_than_their_cut", len(differ), int(differ.sum())),)


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
    pairs: FreshPairs, history: EdgeHistory, champion_as_of: datetime | None, seen: Iterable[Tensor]
) -> Invariant:
    """Look the fresh pairs up in all that the champion has seen: the snapshot it was made from, and `seen`.

    The snapshot's edges are those first seen up to its as-of, a gate's pairs among them; `seen` are the pairs that the
    champion itself carries or that were published as its split, whatever the dates say.
    """
    until = -1 if champion_as_of is None else int(champion_as_of.timestamp())
    held = [history.first_seen_until(until), *(history.look_up(edges) for edges in seen)]
    fresh = history.look_up(pairs.positives[:, : pairs.num_fresh])
    return absent("fresh_edges_not_seen_by_champion", fresh, *held)


def _newest_by(tables: GraphTables, time: int) -> NDArray[np.float32] | None:
    """Return each node's values of the latest date up to a time, zeros where there are none; O(values log values)."""
    history = tables.history
    if tables.features is None or history is None:
        return tables.features
    known = np.flatnonzero(history.since <= time)
    by_node = known[np.lexsort((history.since[known], history.node[known]))]
    node = history.node[by_node]
    latest = np.flatnonzero(np.diff(node, append=-1))  # where the next value is another node's
    features = np.zeros((tables.num_nodes, history.values.shape[1]), dtype=np.float32)
    features[node[latest]] = history.values[by_node[latest]]
    return features
