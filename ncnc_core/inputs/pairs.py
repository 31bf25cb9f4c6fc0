"""Pairs of nodes read from arrays, lists and tables, by position or by id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import NDArray
from torch import Tensor

from ncnc_core.errors import InvalidGraph

NodeId = int | str

# An array, a tensor, a list of pairs, or a table: no type says "has columns", so what it is is looked at, not declared.
PairInput = Any
IdsInput = Any  # a list, an array, a tensor, a column or an index of ids


class PairEnds(NamedTuple):
    """The two ends of each pair, [2, pairs], and whether they are ids; else they are positions."""

    values: NDArray[Any]  # Any: int64, or objects that are all int or all str
    are_ids: bool

    def positions(self, known: Mapping[NodeId, int], what: str) -> Int64[Tensor, "2 pairs"]:
        """Return the positions, ids looked up among the known ones.

        Raises:
            InvalidGraph: an id is unknown; the message counts them and names the first.
        """
        if not self.are_ids:
            return torch.from_numpy(np.require(self.values, requirements=["C", "W"]))  # a read-only array is copied
        distinct, place = np.unique(self.values, return_inverse=True)
        found = np.array([known.get(one, -1) for one in distinct.tolist()], dtype=np.int64)
        unknown = distinct[found < 0].tolist()
        if unknown:
            raise InvalidGraph(
                f"{what} name {len(unknown)} nodes of {len(distinct)} that the graph does not have (first: "
                f"{unknown[0]!r}). {_known_text(known)} Correct the ids, or add these nodes."
            )
        return torch.from_numpy(found[place].reshape(self.values.shape))


def pair_ends(pairs: PairInput, *, source: str = "source", target: str = "target") -> PairEnds:
    """Read pairs. Tables and text hold ids; whole numbers in an array, a tensor or a list are positions.

    An array or tensor is [2, pairs] or [pairs, 2]; one of 2 x 2 is read as a row of sources and a row of targets. A
    list holds one (source, target) per pair, whatever its length.

    Raises:
        InvalidGraph: a column is missing, the shape is another, or an end is neither a whole number nor text.
    """
    if hasattr(pairs, "columns"):
        missing = [name for name in (source, target) if name not in pairs.columns]
        if missing:
            raise InvalidGraph(
                f"The table has no column {missing[0]!r}, only {list(pairs.columns)}. Name the columns that hold the "
                "two ends: source=..., target=...."
            )
        ends = [_ids(pairs[name], f"column {name!r}") for name in (source, target)]
        if len({end.dtype.kind for end in ends}) > 1:
            raise InvalidGraph(
                f"Node ids are all whole numbers or all text, but column {source!r} holds {ends[0].dtype} and column "
                f"{target!r} {ends[1].dtype}. Convert one of them."
            )
        return PairEnds(np.stack(ends), are_ids=True)
    values = _rows(_as_array(pairs))
    if values.dtype.kind in "iu":
        return PairEnds(values.astype(np.int64, copy=False), are_ids=False)
    return PairEnds(_ids(values.reshape(-1), "the array").reshape(values.shape), are_ids=True)


def pair_positions(pairs: PairInput, known: Mapping[NodeId, int]) -> Int64[Tensor, "2 pairs"]:
    """Return the positions of pairs to be scored, read as `pair_ends` does.

    Raises:
        InvalidGraph: an id is unknown, or a pair joins a node with itself, which has no score: graphs
            here have no self-loops, so the model has learnt nothing about them.
    """
    if isinstance(pairs, Tensor) and pairs.dtype == torch.int64 and pairs.dim() == 2 and pairs.shape[0] == 2:
        positions = pairs  # as it is, on its device
    else:
        positions = pair_ends(pairs).positions(known, "The pairs")
    same = positions[0] == positions[1]
    if bool(same.any()):
        place = int(same.nonzero()[0])
        raise InvalidGraph(
            f"{int(same.sum())} of {len(same)} pairs join a node with itself (first: place {place}, position "
            f"{int(positions[0, place])}), and such a pair has no score. Leave them out."
        )
    return positions


def positions_of(ids: IdsInput, known: Mapping[NodeId, int]) -> Int64[Tensor, " ids"]:
    """Return the position of each node id; a single id gives one position.

    Raises:
        InvalidGraph: an id is unknown; the message counts them and names the first.
    """
    wanted = _listed(ids)
    unknown = [one for one in wanted if one not in known]
    if unknown:
        raise InvalidGraph(
            f"{len(unknown)} of {len(wanted)} node ids are unknown to the model (first: {unknown[0]!r}). "
            f"{_known_text(known)} Correct the ids, add the nodes with LinkModel.updated, or train on a snapshot that "
            "has them."
        )
    return torch.tensor([known[one] for one in wanted], dtype=torch.int64)


def paired_positions(
    source_ids: Iterable[Any], target_ids: Iterable[Any], known: Mapping[NodeId, int]
) -> Int64[Tensor, "2 pairs"]:
    """Return the positions of pairs of ids.

    Raises:
        InvalidGraph: an id is unknown, or the two sequences differ in length.
    """
    sources, targets = positions_of(source_ids, known), positions_of(target_ids, known)
    if len(sources) != len(targets):
        raise InvalidGraph(f"There are {len(sources)} sources and {len(targets)} targets. Give one target a source.")
    return torch.stack([sources, targets])


def _listed(ids: IdsInput) -> list[Any]:
    if isinstance(ids, int | str):
        return [ids]
    if isinstance(ids, Tensor):
        ids = ids.detach().cpu().numpy()
    if isinstance(ids, np.ndarray | np.generic):
        if ids.ndim > 1:
            raise InvalidGraph(f"Node ids come in one row, but got the shape {list(ids.shape)}. Flatten them.")
        return np.atleast_1d(ids).tolist()  # type: ignore[no-any-return]
    return [one.item() if isinstance(one, Tensor) else one for one in ids]


def require_one_id_each(node_ids: Sequence[NodeId], num_nodes: int) -> None:
    """Refuse ids that are not one for each node."""
    different = len(set(node_ids))
    if len(node_ids) != num_nodes or different != num_nodes:
        raise InvalidGraph(
            f"There are {len(node_ids)} node ids, {different} of them different, for {num_nodes} nodes. Give each node "
            "one id of its own."
        )


def clean_ids(ids: IdsInput, what: str) -> list[NodeId]:
    """Return node ids as plain Python values, all int or all str.

    Raises:
        InvalidGraph: one is neither, or missing.
    """
    values: list[NodeId] = _ids(ids, what).tolist()
    return values


def _ids(values: Any, what: str) -> NDArray[Any]:
    """Return int64, or an object array of str."""
    if isinstance(values, list | tuple | range | Tensor):
        # Not through np.asarray, which makes text of a list that mixes 1 and "a".
        items = values.tolist() if isinstance(values, Tensor) else list(values)
    else:
        array = np.asarray(values)
        if array.dtype.kind in "iuU":
            return array.astype(object if array.dtype.kind == "U" else np.int64)
        items = array.tolist()
    kinds = {type(item) for item in items}
    if not kinds <= {int, str} or len(kinds) > 1:
        _require_ids(items, what)
    return np.array(items, dtype=object if items and isinstance(items[0], str) else np.int64)


def _require_ids(items: list[Any], what: str) -> None:
    for place, item in enumerate(items):
        if isinstance(item, bool | np.bool_) or not isinstance(item, int | np.integer | str):
            raise InvalidGraph(
                f"Node ids are whole numbers or text, but place {place} of {what} holds {item!r} "
                f"({type(item).__name__}). Convert them; a missing value turns whole numbers into floats, so drop "
                "those rows first."
            )
    if len({isinstance(item, str) for item in items}) > 1:
        raise InvalidGraph(
            f"Node ids are all whole numbers or all text, but {what} mixes them (first: {items[0]!r}). "
            "Convert the numbers to text."
        )


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
        return _ids(flat, "the list").reshape(-1, 2).T  # .T: a list of two pairs is two pairs
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


def _known_text(known: Mapping[NodeId, int]) -> str:
    kind = "text" if isinstance(next(iter(known), 0), str) else "whole numbers"
    return f"It knows {len(known)} nodes, whose ids are {kind}."
