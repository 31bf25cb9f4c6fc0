"""Logits of the same pairs with many constants of completion, the work that they share done once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.cost_chunks import cost_chunks
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.networks.completion import completion_weight
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.ncnc import NCNC
from ncnc_core.networks.pooled_rows import pooled_logits
from ncnc_core.networks.scoring import ENTRIES_AT_ONCE, evaluating, pair_costs
from ncnc_core.overlap.dense import is_dense, pool_common


@dataclass(frozen=True)
class CompletionConstants:
    """Three constants of completion, see `completion_weight`."""

    scale: float
    offset: float
    alpha: float


def shares_inner_logits(network: LinkNetwork, adjacency: Adjacency) -> bool:
    """Return whether `logits_with_each` does for this network: one level of completion, found pair by pair."""
    predictor = network.predictor
    return isinstance(predictor, NCNC) and predictor.depth == 1 and not predictor.completes_densely(adjacency)


def logits_with_each(
    network: LinkNetwork,
    levels: list[Tensor],
    adjacency: Adjacency,
    pairs: Int64[Tensor, "2 pairs"],
    tried: Sequence[CompletionConstants],
    *,
    did: Callable[[int], None] | None = None,
) -> Float[Tensor, "tried pairs"]:
    """Return the logits that the network has with each of the constants, in evaluation mode.

    They are those of a network of these weights with these constants, bit for bit in one chunk. The missing links are
    scored once: two to three validations for a dozen constants, where one at a time would be a dozen.
    `did` hears of the number of pairs of each chunk.
    """
    found = []
    with evaluating(network):
        for part in cost_chunks(pair_costs(network, adjacency, pairs), ENTRIES_AT_ONCE):
            found.append(_part(network, levels, adjacency, pairs[:, part], tried))
            if did is not None:
                did(part.stop - part.start)
    return torch.cat([levels[0].new_zeros(len(tried), 0), *found], 1)


def _part(
    network: LinkNetwork,
    levels: list[Tensor],
    adjacency: Adjacency,
    pairs: Tensor,
    tried: Sequence[CompletionConstants],
) -> Tensor:
    predictor, structure = network.predictor, network.pair_structure
    assert isinstance(predictor, NCNC)  # noqa: S101 - for mypy: shares_inner_logits said so
    common = adjacency.common_neighbors(pairs)
    rows, asked = predictor.asked(levels, adjacency, pairs, common)

    def logits(constants: CompletionConstants) -> Tensor:
        if constants.alpha == 0 and is_dense(adjacency):
            return predictor.head(levels[0], pairs, pool_common(adjacency, pairs, levels[1]))  # type: ignore[no-any-return]
        if constants.alpha == 0:
            return pooled_logits(predictor.head, levels, pairs, common)
        weight = partial(completion_weight, scale=constants.scale, offset=constants.offset, alpha=constants.alpha)
        return predictor.head(levels[0], pairs, rows.sum(NodeLists.joined([common, *asked.weighed(weight)])))  # type: ignore[no-any-return]

    each = torch.stack([logits(constants) for constants in tried])
    return each if structure is None else each + structure(adjacency, pairs)
