"""The nodes a predictor pools for one pair, each with its role and the weight it is pooled with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.node_lists import NodeLists
from ncnc_core.graph.two_hop import two_hop_neighbors
from ncnc_core.networks.link_network import Predictor
from ncnc_core.networks.ncn import GAE, GAECN, NCN2, NCNDiff
from ncnc_core.networks.ncnc import NCNC

# common: both have it. source_only, target_only: only one has it, and the link to the other is completed (or, for
# NCN-diff, pooled apart). near_source, near_target: a neighbour of one that is two steps from the other.
Role = Literal["common", "source_only", "target_only", "near_source", "near_target"]


@dataclass(frozen=True, eq=False)
class Neighborhood:
    """The nodes of one role: `node` [entries], `weight` [entries] and `values` [entries, width], both float64."""

    role: Role
    node: Tensor
    weight: Tensor
    values: Tensor

    def total(self) -> Tensor:
        """Return what is pooled, [width]."""
        return self.weight @ self.values


def pooled_sums(
    predictor: Predictor, levels: list[Tensor], adjacency: Adjacency, pair: Tensor
) -> list[list[Neighborhood]]:
    """Return what is summed for one pair, [2, 1]: for each pooled sum that the head takes, its neighbourhoods."""
    if isinstance(predictor, GAE):
        return []
    values = levels[0].new_ones(adjacency.num_nodes, 1) if isinstance(predictor, GAECN) else levels[1]
    common = adjacency.common_neighbors(pair)
    pooled: list[tuple[Role, NodeLists]] = [("common", common)]
    extra: list[tuple[Role, NodeLists]] = []
    if isinstance(predictor, NCNC):
        pooled += zip(("source_only", "target_only"), predictor.completion(levels, adjacency, pair), strict=False)
    elif isinstance(predictor, NCN2):
        extra += zip(("near_source", "near_target"), two_hop_neighbors(adjacency, pair), strict=True)
    elif isinstance(predictor, NCNDiff):
        for role, node, other in (("source_only", pair[0], pair[1]), ("target_only", pair[1], pair[0])):
            skip = predictor.skip_other
            extra.append((role, adjacency.exclusive_neighbors(node, other, common, skip_other=skip)))  # type: ignore[arg-type]
    return [[_neighborhood(role, lists, values) for role, lists in slot] for slot in (pooled, extra) if slot]


def head_logits(predictor: Predictor) -> Callable[..., Tensor]:
    """Return the predictor's last part: from endpoint products [rows, channels] and pooled sums to logits [rows]."""

    def logits(products: Tensor, *sums: Tensor) -> Tensor:
        if isinstance(predictor, GAE):
            alone: Tensor = predictor.readout(predictor.pair_mlp(products))
            return alone.squeeze(-1)
        # The head multiplies two rows of embeddings: the product itself and a row of ones.
        h = torch.cat([products, torch.ones_like(products[:1])])
        first = torch.arange(products.shape[0], device=products.device)
        result: Tensor = predictor.head(h, torch.stack([first, torch.full_like(first, len(first))]), *sums)  # type: ignore[attr-defined]
        return result

    return logits


def _neighborhood(role: Role, lists: NodeLists, values: Tensor) -> Neighborhood:
    rows = values[lists.node].double()
    weight = rows.new_ones(lists.node.numel()) if lists.weight is None else lists.weight.double()
    return Neighborhood(role, lists.node, weight, rows)
