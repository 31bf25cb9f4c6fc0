"""Pairs of nodes read from arrays, lists and tables: by id, or by position where `Positions` says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import NDArray
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.inputs.node_ids import NodePlaces, Positions, id_array, positions_of
from ncnc_core.inputs.tables import as_table

# An array, a tensor, a list of pairs, a table, or Positions: no type says "has columns", so what it is is looked at,
# not declared.
PairInput = Any


MANY = 10_000  # texts from which on loading pandas costs less than hashing them in Python


@dataclass(frozen=True, eq=False)
class PairEnds:
    """The two ends of each pair, [2, pairs], and whether they are ids; else they are positions."""

    values: NDArray[Any]  # Any: int64, or objects that are all str
    are_ids: bool

    @cached_property
    def distinct(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The different ends, and which of them each end is, [2, pairs]; texts are hashed, not sorted."""
        flat = self.values.reshape(-1)
        if flat.dtype != object:
            ends, place = np.unique(flat, return_inverse=True)
        elif flat.size >= MANY:
            import pandas as pd

            place, ends = pd.factorize(flat)
        else:
            places: dict[Any, int] = {}
            place = np.array([places.setdefault(one, len(places)) for one in flat.tolist()], dtype=np.int64)
            ends = np.array(list(places), dtype=object)
        return ends, place.reshape(self.values.shape)

    def positions(self, known: NodePlaces, what: str) -> Int64[Tensor, "2 pairs"]:
        """Return the positions, ids looked up among the known ones.

        Raises:
            InvalidGraph: an id is unknown; the message counts them and names the first.
        """
        if not self.are_ids or (self.values.dtype != object and known.are_positions):
            return torch.from_numpy(np.require(self.values, np.int64, ["C", "W"]))  # a read-only array is copied
        ends, place = self.distinct
        found = known.find(ends)
        unknown = ends[found < 0].tolist()
        if unknown:
            raise InvalidGraph(
                f"{what} name {len(unknown)} nodes of {len(ends)} that the graph does not have (first: "
                f"{min(unknown)!r}). {known.remedy(ends)} Correct the ids, or add these nodes."
            )
        return torch.from_numpy(found[place])


def pair_ends(pairs: PairInput, *, source: str = "source", target: str = "target") -> PairEnds:
    """Read pairs of ids, or of positions where they come as `Positions`.

    An array or tensor is [2, pairs] or [pairs, 2]; one of 2 x 2 is read as a row of sources and a row of targets. A
    list holds one (source, target) per pair, whatever its length. A table has a column for each end.

    Raises:
        InvalidGraph: a column is missing, the shape is another, or an end is neither a whole number nor text.
    """
    if isinstance(pairs, Positions):
        return _positions(pair_ends(pairs.values, source=source, target=target))
    table = as_table(pairs)
    if table is not None:
        return _table_ends(table, source, target)
    values = _rows(_as_array(pairs))
    return PairEnds(id_array(values.reshape(-1), "the array").reshape(values.shape), are_ids=True)


def _positions(ends: PairEnds) -> PairEnds:
    if ends.values.dtype == object:
        raise InvalidGraph(
            f"Positions are whole numbers, but these are text (first: {ends.values.flat[0]!r}). Ids need no Positions."
        )
    return PairEnds(ends.values, are_ids=False)


def _table_ends(table: Any, source: str, target: str) -> PairEnds:
    missing = [name for name in (source, target) if name not in table.columns]
    if missing:
        raise InvalidGraph(
            f"The table has no column {missing[0]!r}, only {list(table.columns)}. Name the columns that hold the "
            "two ends: source=..., target=...."
        )
    ends = [id_array(table[name], f"column {name!r}") for name in (source, target)]
    if len({end.dtype.kind for end in ends}) > 1:
        raise InvalidGraph(
            f"Node ids are all whole numbers or all text, but column {source!r} holds {ends[0].dtype} and column "
            f"{target!r} {ends[1].dtype}. Convert one of them."
        )
    return PairEnds(np.stack(ends), are_ids=True)


def pair_positions(pairs: PairInput, known: NodePlaces) -> Int64[Tensor, "2 pairs"]:
    """Return the positions of pairs to be scored, read as `pair_ends` does.

    Raises:
        InvalidGraph: an id is unknown, or a pair joins a node with itself, which has no score: graphs
            here have no self-loops, so the model has learnt nothing about them.
    """
    given: Any = pairs.values if isinstance(pairs, Positions) else pairs if known.are_positions else None
    # A plain tensor of positions is taken as it is, on its device.
    positions: Tensor = given if _is_plain(given) else pair_ends(pairs).positions(known, "The pairs")
    same = positions[0] == positions[1]
    if bool(same.any()):
        place = int(same.nonzero()[0])
        raise InvalidGraph(
            f"{int(same.sum())} of {len(same)} pairs join a node with itself (first: place {place}, position "
            f"{int(positions[0, place])}), and such a pair has no score. Leave them out."
        )
    return positions


def _is_plain(pairs: object) -> bool:
    return isinstance(pairs, Tensor) and pairs.dtype == torch.int64 and pairs.dim() == 2 and pairs.shape[0] == 2


def paired_positions(
    source_ids: Iterable[Any], target_ids: Iterable[Any], known: NodePlaces
) -> Int64[Tensor, "2 pairs"]:
    """Return the positions of pairs of ids.

    Raises:
        InvalidGraph: an id is unknown, or the two sequences differ in length.
    """
    sources, targets = positions_of(source_ids, known), positions_of(target_ids, known)
    if len(sources) != len(targets):
        raise InvalidGraph(f"There are {len(sources)} sources and {len(targets)} targets. Give one target a source.")
    return torch.stack([sources, targets])


def _as_array(pairs: Any) -> NDArray[Any]:
    if isinstance(pairs, Tensor):
        return pairs.detach().cpu().numpy()
    if isinstance(pairs, np.ndarray):
        return pairs
    if isinstance(pairs, Sequence) and not isinstance(pairs, str):
        for number, pair in enumerate(pairs):
            if not isinstance(pair, Sequence | np.ndarray) or isinstance(pair, str) or len(pair) != 2:
                raise InvalidGraph(
                    f"A list of pairs holds one (source, target) each, but item {number} is {pair!r:.60}. Give pairs, "
                    "or an array of shape [2, pairs]."
                )
        flat = [end for pair in pairs for end in pair]
        return id_array(flat, "the list").reshape(-1, 2).T  # .T: a list of two pairs is two pairs
    raise InvalidGraph(
        f"Pairs of nodes come as an array or tensor [2, pairs], as a list of pairs, or as a table with a column for "
        f"each end, not as {type(pairs).__name__}. Convert them to one of these."
    )


def _rows(values: NDArray[Any]) -> NDArray[Any]:
    if values.size == 0:
        return np.zeros((2, 0), dtype=np.int64)
    if values.ndim == 2 and values.shape[0] == 2:
        return values
    if values.ndim == 2 and values.shape[1] == 2:
        return values.T
    raise InvalidGraph(
        f"Pairs have the shape [2, pairs] or [pairs, 2], but got {list(values.shape)}. Put the two ends of each pair "
        "into two rows."
    )
