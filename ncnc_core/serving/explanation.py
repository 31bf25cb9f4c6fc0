"""Why a pair has its score: what each neighbour, and the pair itself, adds to the logit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.inputs.asked_table import id_column
from ncnc_core.inputs.node_ids import NodeId
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.neighborhoods import Role
from ncnc_core.networks.scoring import score_pairs
from ncnc_core.serving.neighborhood import Neighborhood, pooled_sums
from ncnc_core.serving.path_gradients import path_gradients

if TYPE_CHECKING:
    import pandas as pd


SHOWN = 10  # neighbours in the text; the frame has all


@dataclass(frozen=True)
class NeighborPart:
    """One node that is pooled for the pair: the weight it is pooled with, and what it adds to the logit."""

    node: NodeId
    role: Role
    weight: float
    contribution: float


@dataclass(frozen=True)
class FeaturePart:
    """A group of pair features, see `temporal.pair_features.feature_groups`, and what it adds to the logit."""

    group: str
    contribution: float


@dataclass(frozen=True)
class LinkExplanation:
    """The parts of one pair's logit: score = base + pair + structure + sum of the contributions + remainder.

    `base` is the logit of a pair about which nothing is known: no pooled neighbour, endpoint product zero. `neighbors`
    come in the order of what they add, largest first. `remainder` is what the numerical integration leaves over.
    `known` says whether the served graph holds the pair as an edge. `structure` is what a model with `pair_structure`
    adds for the counts alone, and `features` what a model adds that reads times; `facts` say in words what it read.
    """

    source: NodeId
    target: NodeId
    score: float
    known: bool
    base: float
    pair: float
    neighbors: tuple[NeighborPart, ...]
    remainder: float
    structure: float = 0.0
    features: tuple[FeaturePart, ...] = ()
    facts: tuple[str, ...] = ()

    def of_role(self, role: Role) -> tuple[NeighborPart, ...]:
        """Return the neighbours of one role."""
        return tuple(part for part in self.neighbors if part.role == role)

    def to_frame(self) -> pd.DataFrame:
        """Return a row per neighbour, then the pair and the base, each with its share of all that moves the score.

        share = contribution / sum of all absolute contributions, the base apart: between -1 and 1. node is missing in
        the rows that are no neighbour's; whole numbers come as Int64.
        """
        import pandas as pd

        own = [("pair", self.pair), *([("structure", self.structure)] if self.structure else [])]
        own += [(part.group, part.contribution) for part in self.features]
        moved = sum(abs(value) for _, value in own) + sum(abs(part.contribution) for part in self.neighbors)
        own.append(("base", self.base))
        rows = [asdict(part) for part in self.neighbors]
        rows += [{"node": None, "role": role, "weight": 1.0, "contribution": value} for role, value in own]
        frame = pd.DataFrame(rows, columns=["node", "role", "weight", "contribution"])
        # Whole numbers beside a missing one would become floating-point numbers, and from 2^53 on other nodes.
        frame["node"] = id_column([row["node"] for row in rows])
        frame["share"] = (frame["contribution"] / (moved or 1.0)).where(frame["role"] != "base")
        return frame

    def __str__(self) -> str:
        """Return the parts as a person reads them."""
        lines = [
            f"{self.source} - {self.target}: logit {self.score:.3f}"
            + (" (an edge of the graph)" if self.known else ""),
            *(f"  {fact}" for fact in self.facts),
            f"  {self.base:+8.3f}  base: nothing known of the pair",
            f"  {self.pair:+8.3f}  the two nodes themselves",
        ]
        if self.structure:
            lines.append(f"  {self.structure:+8.3f}  degrees and numbers of common neighbours")
        lines += [f"  {part.contribution:+8.3f}  {part.group}" for part in self.features]
        for part in self.neighbors[:SHOWN]:
            weight = "" if part.role == "common" else f", weight {part.weight:.3f}"
            lines.append(f"  {part.contribution:+8.3f}  {part.node} ({part.role.replace('_', ' ')}{weight})")
        rest = self.neighbors[SHOWN:]
        if rest:
            lines.append(f"  {sum(part.contribution for part in rest):+8.3f}  {len(rest)} more neighbours")
        return "\n".join(lines)


def explain_pair(
    network: LinkNetwork,
    levels: list[Tensor],
    adjacency: Adjacency,
    source: int,
    target: int,
    node_ids: Sequence[NodeId],
) -> LinkExplanation:
    r"""Divide the logit of a pair of positions among the pair itself and every node that is pooled for it.

    The shares are Aumann-Shapley values: along the straight path from nothing (pooled sums and endpoint product zero)
    to the pair as it is, each part is given the integral of the gradient times its input, so that equal inputs have
    equal shares, what is multiplied by zero has none, and all of them add up to score - base. A completed neighbour's
    completion weight counts as given. Source: Aumann, Shapley, Values of Non-Atomic Games, 1974; for networks:
    Sundararajan, Taly, Yan, Axiomatic Attribution for Deep Networks, arXiv:1703.01365.
    Cost: one scoring of the pair and up to MOST_STEPS rows through the head.
    """
    levels = [one.detach() for one in levels]  # a table of node vectors is itself a level, and it is a parameter
    pairs = torch.tensor([[source], [target]], device=adjacency.column.device)
    score = float(score_pairs(network, levels, adjacency, pairs))
    with torch.no_grad():
        sums = pooled_sums(network.predictor, levels, adjacency, pairs)
        structure = 0.0 if network.pair_structure is None else float(network.pair_structure(adjacency, pairs))
    product = (levels[0][source] * levels[0][target]).double()
    inputs = [product, *(torch.stack([one.total() for one in pooled]).sum(0) for pooled in sums)]
    base, gradients = path_gradients(network.predictor, inputs)
    parts = _parts(sums, gradients[1:], node_ids)
    pair = float(product @ gradients[0])
    total = base + pair + structure + sum(part.contribution for part in parts)
    return LinkExplanation(
        source=node_ids[source],
        target=node_ids[target],
        score=score,
        known=bool(adjacency.has(pairs)),
        base=base,
        pair=pair,
        structure=structure,
        neighbors=tuple(sorted(parts, key=lambda part: -part.contribution)),  # stable: ties stay in the nodes' order
        remainder=score - total,
    )


def _parts(
    sums: Sequence[Sequence[Neighborhood]], gradients: Sequence[Tensor], node_ids: Sequence[NodeId]
) -> list[NeighborPart]:
    """Return what each node of each pooled sum adds, given the mean gradient at each sum."""
    parts = []
    for pooled, gradient in zip(sums, gradients, strict=True):
        for one in pooled:
            contributions = one.weight * (one.values @ gradient)
            rows = zip(one.node.tolist(), one.weight.tolist(), contributions.tolist(), strict=True)
            parts += [NeighborPart(node_ids[node], one.role, weight, added) for node, weight, added in rows]
    return parts
