"""Node ids as people have them, made plain and looked up; and the type that says that numbers are positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from numpy.typing import NDArray
from torch import Tensor

from ncnc_core.errors import InvalidGraph

NodeId = int | str
IdsInput = Any  # a list, an array, a tensor, a column or an index of ids, or Positions

HIGHEST_ID = 2**63 - 1


@dataclass(frozen=True, eq=False)
class Positions:
    """Positions of nodes, 0 to n - 1 in the order of `node_ids`, where ids are expected: `Positions(edge_index)`.

    `values` are whole numbers in any form that takes ids: an array, a tensor, a list, or a table of pairs. Without it
    whole numbers are ids everywhere. In a graph whose ids are 0 to n - 1 both are the same.
    """

    values: Any


class NodePlaces:
    """Where the node with an id stands."""

    def __init__(self, node_ids: Sequence[NodeId]) -> None:
        self.node_ids = node_ids

    @cached_property
    def by_id(self) -> dict[NodeId, int]:
        """The position of each id."""
        return {node: position for position, node in enumerate(self.node_ids)}

    @cached_property
    def are_positions(self) -> bool:
        """Whether the ids are 0 to n - 1, in this order."""
        return (isinstance(self.node_ids, range) and self.node_ids == range(len(self.node_ids))) or all(
            node == position for position, node in enumerate(self.node_ids)
        )

    def find(self, ids: NDArray[Any]) -> NDArray[np.int64]:
        """Return the position of each id, [ids], and -1 where there is none; `ids` as of `id_array`."""
        known = self.by_id
        return np.array([known.get(one, -1) for one in ids.tolist()], dtype=np.int64)

    def remedy(self, ids: NDArray[Any]) -> str:
        """Return what to tell who asked for ids that are not there: what is known, and whether they are positions."""
        count = len(self.node_ids)
        text = f"It knows {count} nodes, whose ids are {kind_of(self.node_ids)}."
        if ids.dtype != object and ids.size and ids.min() >= 0 and ids.max() < count:
            text += (
                f" Whole numbers are ids. If these are positions, 0 to {count - 1}, say so: Positions(...) of "
                "ncnc_core.link_model."
            )
        return text


def kind_of(node_ids: Sequence[NodeId]) -> str:
    """Return of what kind ids are, in words."""
    return "text" if len(node_ids) and isinstance(node_ids[0], str) else "whole numbers"


def positions_of(ids: IdsInput, known: NodePlaces) -> Int64[Tensor, " ids"]:
    """Return the position of each node id; a single id gives one position.

    Raises:
        InvalidGraph: an id is unknown; the message counts them and names the first. Or a position is no node's.
    """
    if isinstance(ids, Positions):
        return _checked_positions(_listed(ids.values), len(known.node_ids))
    wanted = _listed(ids)
    by_id = known.by_id
    unknown = [one for one in wanted if one not in by_id]
    if unknown:
        as_numbers = all(isinstance(one, int) and abs(one) <= HIGHEST_ID for one in wanted)
        remedy = known.remedy(np.array(wanted, dtype=np.int64 if as_numbers else object))
        raise InvalidGraph(
            f"{len(unknown)} of {len(wanted)} node ids are unknown to the model (first: {unknown[0]!r}). "
            f"{remedy} Correct the ids, add the nodes with LinkModel.updated, or train on a snapshot that has them."
        )
    return torch.tensor([by_id[one] for one in wanted], dtype=torch.int64)


def _checked_positions(wanted: list[Any], count: int) -> Tensor:
    wrong = [one for one in wanted if not isinstance(one, int) or isinstance(one, bool) or not 0 <= one < count]
    if wrong:
        raise InvalidGraph(
            f"Positions are whole numbers from 0 to {count - 1}, but {len(wrong)} of {len(wanted)} are none (first: "
            f"{wrong[0]!r}). Correct them, or give ids."
        )
    return torch.tensor(wanted, dtype=torch.int64)


def _listed(ids: Any) -> list[Any]:
    if isinstance(ids, int | str):
        return [ids]
    if isinstance(ids, Tensor):
        ids = ids.detach().cpu().numpy()
    if isinstance(ids, np.ndarray | np.generic):
        if ids.ndim > 1:
            raise InvalidGraph(f"Node ids come in one row, but got the shape {list(ids.shape)}. Flatten them.")
        return np.atleast_1d(ids).tolist()  # type: ignore[no-any-return]
    return [one.item() if isinstance(one, Tensor | np.generic) else one for one in ids]


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
        InvalidGraph: one is neither, is missing, or is a number beyond 64 bits.
    """
    values: list[NodeId] = id_array(ids, what).tolist()
    return values


def id_array(values: Any, what: str) -> NDArray[Any]:
    """Return ids as int64, or as an object array of str.

    Raises:
        InvalidGraph: one is neither, is missing, or is a number beyond 64 bits.
    """
    if isinstance(values, list | tuple | range | Tensor):
        # Not through np.asarray, which makes text of a list that mixes 1 and "a".
        items = values.tolist() if isinstance(values, Tensor) else list(values)
    else:
        array = np.asarray(values)
        if array.dtype.kind == "i" or (array.dtype.kind == "u" and array.dtype.itemsize < 8):
            return array.astype(np.int64)
        items = array.tolist()
    kinds = {type(item) for item in items}
    if not kinds <= {int, str} or len(kinds) > 1:
        _require_ids(items, what)
    if not items or isinstance(items[0], str):
        return np.array(items, dtype=object if items else np.int64)
    try:
        return np.array(items, dtype=np.int64)
    except OverflowError:
        beyond = next(item for item in items if abs(item) > HIGHEST_ID)
        raise InvalidGraph(
            f"Node ids that are numbers are at most {HIGHEST_ID} (64 bits with a sign), but {what} holds {beyond}. "
            "Convert them all to text."
        ) from None


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
