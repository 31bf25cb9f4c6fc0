"""What an encoder, a predictor and the search for neighbours ask of a graph. Each kind of graph is its own file."""

from __future__ import annotations

from typing import Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ncnc_core.graph.node_lists import NodeLists

Kind = TypeVar("Kind")


@runtime_checkable  # beartype checks annotations against it in the tests
class Graph(Protocol):
    """What both roles share."""

    @property
    def num_nodes(self) -> int:
        """The number of nodes that positions name."""
        ...

    @property
    def degree(self) -> Tensor:
        """The number of neighbours of each node in the whole graph, [nodes]."""
        ...

    def dropped(self: Kind, probability: float, *, symmetric: bool) -> Kind:
        """Return the graph with each entry dropped at this chance, or with `symmetric` each edge in both directions."""
        ...


@runtime_checkable
class MessageGraph(Graph, Protocol):
    """What an encoder propagates on. Kinds: `Adjacency`, `SampledAdjacency`, `GatheredRows`.

    The first `num_rows` of the nodes have rows and get values from a layer; the others are only read.
    """

    @property
    def num_rows(self) -> int:
        """The number of nodes that have a row here."""
        ...

    @property
    def weight(self) -> Tensor | None:
        """The weight of each entry, [entries]; None where all weigh one."""
        ...

    @property
    def structure(self) -> Tensor | None:
        """Structural features that were drawn with the graph, [nodes, structural]; None where its rows give them."""
        ...

    def layer(self, number: int) -> MessageGraph:
        """Return the graph that layer `number` of an encoder propagates on."""
        ...

    def neighbor_sum(self, x: Float[Tensor, "nodes channels"], *, weighted: bool) -> Float[Tensor, "rows channels"]:
        """Return A x; `weighted` takes the weights of the edges too, where there are any."""
        ...

    def neighbor_max(self, values: Float[Tensor, " nodes"]) -> Float[Tensor, " nodes"]:
        """Return the largest value among each node's neighbours, and 0 where there are none or none above it."""
        ...

    def row_sums(self, dtype: torch.dtype, *, weighted: bool) -> Float[Tensor, " nodes"]:
        """Return the degree of each node, or with `weighted` the sum of its edges' weights."""
        ...


@runtime_checkable
class OverlapGraph(Graph, Protocol):
    """What a predictor looks neighbours up in. Kinds: `Adjacency`, `SampledOverlap`."""

    @property
    def num_entries(self) -> int:
        """The number of entries in the rows at hand, two an edge; 0 where the overlaps were drawn ahead."""
        ...

    def common_neighbors(self, pairs: Int64[Tensor, "2 pairs"]) -> NodeLists:
        """Return N(i) ∩ N(j) for each pair (i, j), ascending."""
        ...

    def exclusive_neighbors(
        self,
        node: Int64[Tensor, " pairs"],
        other: Int64[Tensor, " pairs"],
        common: NodeLists,
        *,
        skip_other: bool,
        limit: int | None = None,
        random: bool = False,
        order_by: Float[Tensor, "nodes channels"] | None = None,
    ) -> NodeLists:
        """Return N(node) minus N(other) for each row, given `common`, their common neighbours.

        An edge between the two makes `other` itself a member; `skip_other` leaves it out. `limit` keeps at most so
        many of each list, evenly spaced along the order of `order_by`'s values or of the positions, or with `random`
        from a random start.
        """
        ...

    def has(self, pairs: Int64[Tensor, "2 pairs"]) -> Bool[Tensor, " pairs"]:
        """Return which pairs are edges."""
        ...


@runtime_checkable
class Rows(Protocol):
    """Sorted compressed rows, as in `Adjacency`: u's neighbours are `column[row_pointer[u]:row_pointer[u + 1]]`."""

    @property
    def num_nodes(self) -> int:
        """The number of nodes."""
        ...

    @property
    def row_pointer(self) -> Tensor:
        """Where each row begins in `column`, int64 [nodes + 1]."""
        ...

    @property
    def column(self) -> Tensor:
        """The neighbours, row after row, int64 [entries]."""
        ...

    @property
    def degree(self) -> Tensor:
        """The length of each row, int64 [nodes]."""
        ...

    def has(self, pairs: Int64[Tensor, "2 pairs"]) -> Bool[Tensor, " pairs"]:
        """Return which pairs are edges."""
        ...

    def has_keys(self, keys: Int64[Tensor, " wanted"]) -> Bool[Tensor, " wanted"]:
        """Return which directed keys row * num_nodes + column are entries."""
        ...

    def key_places(self, keys: Int64[Tensor, " wanted"]) -> Int64[Tensor, " wanted"]:
        """Return the first entry whose directed key is at least the wanted one, or the number of entries."""
        ...
