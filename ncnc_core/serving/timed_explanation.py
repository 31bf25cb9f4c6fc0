"""Why a pair has its score where the model reads times: the pair's features by group, and each common neighbour."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_times import EdgeTimes
from ncnc_core.inputs.node_ids import NodeId
from ncnc_core.networks.scoring import score_pairs
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.serving.explanation import FeaturePart, LinkExplanation, NeighborPart
from ncnc_core.serving.pair_facts import counted
from ncnc_core.serving.path_gradients import path_gradients
from ncnc_core.temporal.pair_features import TimedPairs
from ncnc_core.temporal.timed_graph import RECENT, required_times


def explain_timed_pair(
    network: TemporalNetwork,
    levels: list[Tensor],
    adjacency: Adjacency,
    source: int,
    target: int,
    node_ids: Sequence[NodeId],
) -> LinkExplanation:
    """Divide the logit of a pair of positions, as `explain_pair` does, with a part for each group of pair features.

    The path begins where the pair's features are those of an average pair of training. A neighbour's weight is the
    decay of its two edges over one window: 1 where both are new.
    """
    levels = [one.detach() for one in levels]
    pair = torch.tensor([[source], [target]], device=adjacency.column.device)
    score = float(score_pairs(network, levels, adjacency, pair))
    found = network.pair_features(network.timed_by(levels, adjacency), pair)
    with torch.no_grad():
        pooled = network.pooled_rows(levels[1][found.common.node], found.decay).double()  # [common, pooled]
        inputs = network.pair_scale(found.values)[0].double()
    product = (levels[0][source] * levels[0][target]).double()
    base, (at_product, at_pooled, at_inputs) = path_gradients(network, [product, pooled.sum(0), inputs])
    parts = _of_neighbors(found, pooled @ at_pooled, node_ids)
    features, own = _by_group(network, inputs * at_inputs), float(product @ at_product)
    total = base + own + sum(one.contribution for one in parts) + sum(one.contribution for one in features)
    return LinkExplanation(
        source=node_ids[source],
        target=node_ids[target],
        score=score,
        known=bool(adjacency.has(pair)),
        base=base,
        pair=own,
        neighbors=tuple(sorted(parts, key=lambda part: -part.contribution)),
        remainder=score - total,
        features=features,
        facts=(
            *_of_ends(network, adjacency, (source, target), node_ids),
            _of_common(network, adjacency, (source, target), found.common.node),
        ),
    )


def _of_neighbors(found: TimedPairs, added: Tensor, node_ids: Sequence[NodeId]) -> list[NeighborPart]:
    rows = zip(found.common.node.tolist(), found.decay[:, RECENT].tolist(), added.tolist(), strict=True)
    return [NeighborPart(node_ids[node], "common", weight, share) for node, weight, share in rows]


def _by_group(network: TemporalNetwork, added: Tensor) -> tuple[FeaturePart, ...]:
    """Return what each group adds: a feature is read twice, scaled and by rank."""
    each, parts, start = added.view(2, -1).sum(0), [], 0
    for group, names in network.groups.items():
        parts.append(FeaturePart(group, float(each[start : start + len(names)].sum())))
        start += len(names)
    return tuple(parts)


def _of_ends(
    network: TemporalNetwork, adjacency: Adjacency, ends: tuple[int, int], node_ids: Sequence[NodeId]
) -> list[str]:
    times, said = required_times(adjacency), []
    for end in ends:
        entries = slice(int(adjacency.row_pointer[end]), int(adjacency.row_pointer[end + 1]))
        if entries.start == entries.stop:
            said.append(f"{node_ids[end]}: no edge yet")
            continue
        age = float(times.age(times.last[entries], float(network.window)).min())
        count = f"{counted(entries.stop - entries.start, 'neighbour')}{_ways(network, times.kept(entries))}"
        said.append(f"{node_ids[end]}: {count}, last active {age:.2g} windows ago")
    return said


def _ways(network: TemporalNetwork, times: EdgeTimes) -> str:
    """Say to how many neighbours events went, and from how many they came, where the model reads it."""
    if not network.config.edge_directions or times.sent is None or times.received is None:
        return ""
    return f" (links to {int((times.sent > 0).sum())} and from {int((times.received > 0).sum())})"


def _of_common(network: TemporalNetwork, adjacency: Adjacency, ends: tuple[int, int], common: Tensor) -> str:
    """Say how many common neighbours there are, and with how many of them both ends had to do within a window."""
    times, recent = required_times(adjacency), torch.ones_like(common, dtype=torch.bool)
    for end in ends:
        entry = adjacency.key_places(end * adjacency.num_nodes + common)
        recent &= times.age(times.last[entry], float(network.window)) < 1
    said = counted(common.numel(), "common neighbour")
    return f"{said}, {int(recent.sum())} of them by edges of the last window" if common.numel() else said
