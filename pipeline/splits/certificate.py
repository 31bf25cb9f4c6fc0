"""The leak certificate of a night: every invariant, counted on what was published, used and scored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import torch

from ncnc_core.config.choices import RecordedNegative
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.splits.leak_invariants import Invariant, absent, leak_invariants
from ncnc_core.training.data import TrainingData
from pipeline.graphs.tables import GraphTables
from pipeline.records.findings import LeakInvariant
from pipeline.splits.arrays import SplitArrays
from pipeline.splits.table_tensors import TableTensors


def as_records(found: Iterable[Invariant]) -> tuple[LeakInvariant, ...]:
    """Return invariants as a record keeps them."""
    return tuple(LeakInvariant(name=item.name, checked=item.checked, violations=item.violations) for item in found)


def edge_history(tables: GraphTables) -> EdgeHistory:
    """Return every edge that a snapshot ever held, to be looked up by pair."""
    return EdgeHistory.of(*TableTensors.of(tables), tables.num_nodes)


def split_certificate(
    arrays: SplitArrays,
    history: EdgeHistory,
    *,
    as_of: datetime,
    cut_train: datetime | None,
    cut_valid: datetime | None,
    kinds: Sequence[RecordedNegative] = (),
) -> tuple[Invariant, ...]:
    """Return the invariants of a split, counted on its arrays as they were read back; `kinds` as it records them."""
    train, valid = (None if cut is None else int(cut.timestamp()) for cut in (cut_train, cut_valid))
    return leak_invariants(arrays, history, as_of=int(as_of.timestamp()), cut_train=train, cut_valid=valid, kinds=kinds)


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
