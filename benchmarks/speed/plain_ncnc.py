"""NCNC computed the plain way, as published, with the weights of a `LinkNetwork`: the twin that the speed is held to.

For each batch the symmetric adjacency is built anew and sorted; the features are a dense matrix; every predictor call,
inner ones included, transforms all nodes; pooled rows are gathered and added up by index; every inner pair is scored,
repeated or not, with the dropout of training on and edges dropped once more; positives and negatives are two calls.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout, softplus

from ncnc_core.networks.completion import completion_weight
from ncnc_core.networks.dropout import Dropout
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.ncn import NCN
from ncnc_core.networks.ncnc import NCNC

RowsOf = tuple[Tensor, Tensor]  # the list each entry belongs to, and its node; sorted by both


@dataclass(frozen=True)
class PlainGraph:
    """Directed entries, sorted by row and column, and where each row starts."""

    row: Tensor
    column: Tensor
    start: Tensor
    num_nodes: int

    @classmethod
    def of(cls, edges: Tensor, num_nodes: int) -> PlainGraph:
        """Sort the edges, both ways round."""
        keys = torch.cat([edges[0] * num_nodes + edges[1], edges[1] * num_nodes + edges[0]]).unique()
        return cls._of_keys(keys, num_nodes)

    @classmethod
    def _of_keys(cls, keys: Tensor, num_nodes: int) -> PlainGraph:
        row = keys // num_nodes
        start = torch.searchsorted(row, torch.arange(num_nodes + 1))
        return cls(row, keys % num_nodes, start, num_nodes)

    def thinned(self, probability: float) -> PlainGraph:
        """Drop each entry on its own."""
        keep = torch.rand(self.row.numel()) >= probability
        return self._of_keys((self.row * self.num_nodes + self.column)[keep], self.num_nodes)

    def rows_of(self, nodes: Tensor) -> RowsOf:
        """Return the neighbours of each node of a list."""
        lengths = self.start[nodes + 1] - self.start[nodes]
        owner = torch.arange(nodes.numel()).repeat_interleave(lengths)
        within = torch.arange(owner.numel()) - (lengths.cumsum(0) - lengths)[owner]
        return owner, self.column[self.start[nodes][owner] + within]


class PlainNCNC:
    """The encoder `puregcn` of one layer with jumping knowledge, and NCNC of depth 1 on it."""

    def __init__(self, network: LinkNetwork) -> None:
        self.config = network.config
        self.network = copy.deepcopy(network)
        _use_dropout_of_torch(self.network)
        predictor = self.network.predictor
        if not isinstance(predictor, NCN | NCNC) or predictor.head.neighbor_transform is None:
            raise TypeError(
                "The plain way is that of ncn and ncnc with neighbor_transform, not of this "
                f"{self.config.predictor}. Give a network with both."
            )
        self.head, self.transform = predictor.head, predictor.head.neighbor_transform

    def optimizer(self, encoder_rate: float, predictor_rate: float) -> torch.optim.Optimizer:
        """Return Adam as the published code has it."""
        rates = {"encoder.": encoder_rate, "predictor.": predictor_rate}
        return torch.optim.Adam(
            [
                {"params": [one for name, one in self.network.named_parameters() if name.startswith(part)], "lr": rate}
                for part, rate in rates.items()
            ]
        )

    def logits(self, features: Tensor, graph: PlainGraph, pairs: Tensor) -> Tensor:
        """Return the logits of the pairs, in the network's mode."""
        return self.score(self._encode(features, graph), graph, pairs, depth=1)

    def train_step(
        self, features: Tensor, edges: Tensor, batch: Tensor, negatives: Tensor, optimizer: torch.optim.Optimizer
    ) -> None:
        """Take one step on the edges `batch` names, which leave the graph for it."""
        keep = torch.ones(edges.shape[1], dtype=torch.bool)
        keep[batch] = False
        graph = PlainGraph.of(edges[:, keep], features.shape[0])
        h = self._encode(features, graph)
        positive = self.score(h, graph, edges[:, batch], depth=1)
        negative = self.score(h, graph, negatives, depth=1)
        loss = softplus(-positive).mean() + softplus(negative).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def _encode(self, features: Tensor, graph: PlainGraph) -> Tensor:
        linear, training = self.network.encoder.input.linear, self.network.training
        layer_weights = self.network.encoder.layer_weights
        if linear is None or layer_weights is None:
            raise TypeError(
                f"The plain way reads features and knows jumping_knowledge alone, and this network has "
                f"{self.network.num_features} features and jumping_knowledge {self.config.jumping_knowledge}. Give one "
                "built for features, with jumping_knowledge, or embeddings of your own to score()."
            )
        x = dropout(features, self.config.feature_dropout, training)
        x = dropout(linear(x), self.config.encoder_dropout, training)
        norm = (1.0 + torch.bincount(graph.row, minlength=graph.num_nodes)).rsqrt().unsqueeze(-1)
        scaled = norm * x
        y = norm * (scaled + torch.zeros_like(x).index_add(0, graph.row, scaled[graph.column]))
        return layer_weights[0] * dropout(y, self.config.output_dropout, training)

    def score(self, h: Tensor, graph: PlainGraph, pairs: Tensor, depth: int) -> Tensor:
        """Return the logits of the pairs from the node embeddings; depth 0 is NCN."""
        if self.network.training:
            graph = graph.thinned(self.config.predictor_edge_dropout)
        g = h + self.transform(h)
        (first, first_node), (second, second_node) = graph.rows_of(pairs[0]), graph.rows_of(pairs[1])
        ours, theirs = first * graph.num_nodes + first_node, second * graph.num_nodes + second_node
        is_common, is_common_too = torch.isin(ours, theirs), torch.isin(theirs, ours)
        pooled = _added(g, first[is_common], first_node[is_common], None, pairs.shape[1])
        if depth:
            for owner, node, other in (
                (first[~is_common], first_node[~is_common], pairs[1]),
                (second[~is_common_too], second_node[~is_common_too], pairs[0]),
            ):
                with torch.no_grad():
                    inner = self.score(g, graph, torch.stack([other[owner], node]), depth - 1)
                pooled = pooled + _added(g, owner, node, self._weight(inner), pairs.shape[1])
        z = self.head.beta * self.head.neighbor_mlp(pooled) + self.head.pair_mlp(h[pairs[0]] * h[pairs[1]])
        logits: Tensor = self.head.readout(z)
        return logits.squeeze(-1)

    def _weight(self, logits: Tensor) -> Tensor:
        config = self.config
        return completion_weight(
            logits, scale=config.completion_scale, offset=config.completion_offset, alpha=config.completion_alpha
        )


def _added(values: Tensor, owner: Tensor, node: Tensor, weight: Tensor | None, lists: int) -> Tensor:
    rows = values[node] if weight is None else weight.unsqueeze(-1) * values[node]  # [entries, channels]
    return values.new_zeros(lists, values.shape[1]).index_add(0, owner, rows)


def _use_dropout_of_torch(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, Dropout):
            setattr(module, name, nn.Dropout(child.p))
        _use_dropout_of_torch(child)
