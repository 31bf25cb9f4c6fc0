"""How the features changed since the previous snapshot: columns that became constant, and means that moved."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.graphs.tables import CanonicalGraph
from pipeline.records.part import Part


class FeatureDrift(Part):
    """The living nodes' features beside those of the previous snapshot.

    constant: the columns with one value for all nodes. vanished: those of them that had several before. shift: the
    largest move of a column's mean, in standard deviations of the previous snapshot; shifted: that column; both are
    None if no column can be compared. begun_anew: the columns differ from those before, so their history begins
    tonight.
    """

    columns: int
    constant: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    shift: float | None = None
    shifted: str | None = None
    begun_anew: bool = False


def feature_drift(tonight: CanonicalGraph, before: CanonicalGraph | None) -> FeatureDrift:
    """Measure the features column by column; O(nodes x features) in time, O(nodes) in memory.

    If the columns differ from those before, nothing is compared.
    """
    now, columns = _moments(tonight), _columns(tonight)
    if now is None:
        return FeatureDrift(columns=0)
    constant = now[1] == 0
    named = tuple(np.asarray(columns, dtype=object)[constant].tolist())
    if before is not None and _columns(before) != columns:
        return FeatureDrift(columns=len(columns), constant=named, begun_anew=True)
    past = _moments(before) if before is not None else None
    if past is None:
        return FeatureDrift(columns=len(columns), constant=named)
    varied = past[1] > 0
    vanished = tuple(np.asarray(columns, dtype=object)[constant & varied].tolist())
    if not varied.any():
        return FeatureDrift(columns=len(columns), constant=named, vanished=vanished)
    # A column that did not vary before has no standard deviation to divide by.
    shift = np.where(varied, np.abs(now[0] - past[0]) / np.where(varied, past[1], 1.0), 0.0)
    most = int(shift.argmax())
    return FeatureDrift(
        columns=len(columns), constant=named, vanished=vanished, shift=float(shift[most]), shifted=columns[most]
    )


def _columns(graph: CanonicalGraph) -> tuple[str, ...]:
    history = graph.tables.history
    return () if history is None else history.columns


def _moments(graph: CanonicalGraph) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return mean and standard deviation, each [f], over the living nodes; the latter is exactly 0 if constant."""
    features, living = graph.tables.features, graph.node_living
    if features is None or not _columns(graph) or not living.any():
        return None
    means, deviations = np.zeros(features.shape[1]), np.zeros(features.shape[1])
    for column in range(features.shape[1]):
        values = features[living, column].astype(np.float64)
        means[column] = values.mean()
        deviations[column] = values.std() if values.min() != values.max() else 0.0
    return means, deviations
