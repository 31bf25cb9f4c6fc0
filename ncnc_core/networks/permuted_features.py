"""What a temporal network says of pairs whose features were shuffled among them: how much it rests on each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.cost_chunks import cost_chunks
from ncnc_core.networks.scoring import ENTRIES_AT_ONCE, evaluating, pair_costs
from ncnc_core.networks.temporal_network import ReadPairs, TemporalNetwork


def permuted_logits(
    network: TemporalNetwork,
    levels: list[Tensor],
    adjacency: Adjacency,
    pairs: Int64[Tensor, "2 pairs"],
    generator: torch.Generator,
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Float[Tensor, " pairs"]]:
    """Return for each group the logits of the pairs with its features taken from other pairs, at random.

    The features of a group move together, so that each pair has those of one other pair; the other groups, the ends'
    embeddings and the pooled common neighbours stay. A pair is read once, whatever the number of groups: those of
    the network, or the `groups` given.
    Source: Breiman, Random Forests, 2001, of single features.
    """
    columns_of = {name: place for place, name in enumerate(name for names in network.groups.values() for name in names)}
    with evaluating(network):
        read = _read(network, levels, adjacency, pairs)
        found = {}
        for name, features in (groups or network.groups).items():
            columns = torch.tensor([columns_of[one] for one in features], device=read.values.device)
            order = torch.randperm(pairs.shape[1], generator=generator).to(columns.device)
            values = read.values.clone()
            values[:, columns] = read.values[order][:, columns]
            found[name] = network.logits(replace(read, values=values))
    return found


def _read(network: TemporalNetwork, levels: list[Tensor], adjacency: Adjacency, pairs: Tensor) -> ReadPairs:
    """Read pairs in chunks, as scoring does: the common neighbours of all at once would not fit memory."""
    graph, costs = network.timed_by(levels, adjacency), pair_costs(network, adjacency, pairs)
    parts = [network.read(levels, graph, pairs[:, part]) for part in cost_chunks(costs, ENTRIES_AT_ONCE)]
    return ReadPairs(
        torch.cat([part.products for part in parts]),
        torch.cat([part.pooled for part in parts]),
        torch.cat([part.values for part in parts]),
    )
