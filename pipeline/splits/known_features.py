"""The features that were known at the time of a cut."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ncnc_core.networks.standard_features import StandardFeatures
from ncnc_core.splits.leak_invariants import Invariant
from pipeline.graphs.tables import GraphTables
from pipeline.records.chain import EdgeSplit


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


def standardized_as_known(
    standard: StandardFeatures | None, train: Tensor, tables: GraphTables, split: EdgeSplit, as_of: datetime
) -> tuple[Invariant, ...]:
    """Count the feature columns that a model standardises by other statistics than those known when training ended.

    The statistics are those of the nodes with a training edge [2, edges], taken anew from the history.
    """
    cut = feature_cut(split, "training")
    known = _newest_by(tables, int(as_of.timestamp()) if cut is None else cut)
    if standard is None or known is None:
        return ()
    chosen = torch.zeros(tables.num_nodes, dtype=torch.bool)
    chosen[train.flatten()] = True
    anew = StandardFeatures(known.shape[1])
    anew.fit(torch.tensor(known), chosen)
    same = torch.isclose(standard.mean.cpu(), anew.mean) & torch.isclose(standard.rate.cpu(), anew.rate)
    return (Invariant("feature_scale_known_at_the_training_cut", len(same), int((~same).sum())),)


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


Stage = Literal["training", "testing", "serving"]


def features_for(tables: GraphTables, split: EdgeSplit, stage: Stage) -> torch.Tensor | None:
    """Return the node features as a stage may know them, [n, f], or None where the graph has none.

    Training knows the features of the train cut, testing those of the valid cut, and serving the present ones. A split
    that is not by time has no cuts, so every stage knows the present ones.
    """
    import torch

    cut = feature_cut(split, stage)
    known = tables.features if cut is None else tables.features_at(cut)
    return None if known is None else torch.tensor(known)


def feature_cut(split: EdgeSplit, stage: Stage) -> int | None:
    """Return the time after which a stage may know no feature, in unix seconds; None: it may know all."""
    cut = {"training": split.cut_train or split.cut_valid, "testing": split.cut_valid, "serving": None}[stage]
    return None if cut is None else int(cut.timestamp())
