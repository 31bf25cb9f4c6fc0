"""A trained link predictor with all it needs to score: weights, node ids, features and the served graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from safetensors.torch import load_file, save_file
from torch import Tensor

from ncnc_core import scoring
from ncnc_core.adjacency import Adjacency
from ncnc_core.errors import InvalidGraph
from ncnc_core.link_fit import fit_network
from ncnc_core.link_network import LinkNetwork
from ncnc_core.model_config import ModelConfig
from ncnc_core.training import EpochResult, SelectionMetric
from ncnc_core.training_config import TrainingConfig

FORMAT = 1  # of the saved folder; raised when an older reader would misread it
FILES = ("model.json", "weights.safetensors", "graph.safetensors", "node_ids.json")

NodeId = int | str


@dataclass(frozen=True, eq=False)
class LinkModel:
    """Scores pairs of nodes on the graph it carries, or on another message graph for evaluation.

    `node_ids` are all int or all str, one per position. Scores are logits: sigmoid of one is the probability the
    model gives against as many negatives as positives, and their order is what counts.
    """

    config: ModelConfig
    network: LinkNetwork
    adjacency: Adjacency
    features: Tensor | None
    node_ids: Sequence[NodeId]

    def __post_init__(self) -> None:
        """Check that ids, features and graph are about the same nodes."""
        count = self.adjacency.num_nodes
        if len(self.node_ids) != count or len(self._positions) != count:
            raise InvalidGraph(
                f"There are {len(self.node_ids)} node ids, {len(self._positions)} of them different, for {count} "
                "nodes. Give each node one id of its own."
            )
        if self.features is not None and self.features.shape[0] != count:
            raise InvalidGraph(f"features has {self.features.shape[0]} rows for {count} nodes. Give one row a node.")

    @classmethod
    def fit(
        cls,
        edges: Int64[Tensor, "2 edges"],
        features: Float[Tensor, "nodes features"] | None = None,
        node_ids: Sequence[NodeId] | None = None,
        *,
        model: ModelConfig | None = None,
        training: TrainingConfig | None = None,
        selection_metric: SelectionMetric = "mrr",
        valid_fraction: float = 0.1,
        negatives_per_edge: int = 50,
        on_epoch: Callable[[EpochResult], None] | None = None,
        device: torch.device | str = "cpu",
    ) -> LinkModel:
        """Train on edges given as positions; the result serves all of them, those held out for validation included.

        The number of nodes is that of the features, else of the ids, else the highest position + 1.
        """
        if features is not None:
            num_nodes = features.shape[0]
        elif node_ids is not None:
            num_nodes = len(node_ids)
        else:
            num_nodes = int(edges.max()) + 1 if edges.numel() else 0
        adjacency, config = Adjacency.from_edges(edges, num_nodes), model or ModelConfig()
        trained = fit_network(
            adjacency,
            features,
            model=config,
            training=training or TrainingConfig(),
            selection_metric=selection_metric,
            valid_fraction=valid_fraction,
            negatives_per_edge=negatives_per_edge,
            on_epoch=on_epoch,
            device=device,
        )
        ids = range(num_nodes) if node_ids is None else node_ids
        return cls(config, trained.network.cpu(), adjacency, features, list(ids))

    @property
    def num_parameters(self) -> int:
        """The number of trainable parameters."""
        return self.network.num_parameters

    @property
    def num_nodes(self) -> int:
        """The number of nodes of the served graph."""
        return self.adjacency.num_nodes

    def score_pairs(
        self,
        pairs: Int64[Tensor, "2 pairs"],
        *,
        adjacency: Adjacency | None = None,
        features: Float[Tensor, "nodes features"] | None = None,
    ) -> Float[Tensor, " pairs"]:
        """Return the logit of each pair of positions.

        Without `adjacency` the served graph is used, its embeddings computed once. With it, the pairs are scored on
        that message graph; `features` may be left out where it has the served graph's nodes.

        Raises:
            InvalidGraph: a position is out of range, or the features do not fit the graph.
        """
        if adjacency is None:
            return scoring.score_pairs(self.network, self._served_levels, self.adjacency, pairs)
        if features is None and self.features is not None:
            if adjacency.num_nodes != self.num_nodes:
                raise InvalidGraph(
                    f"The graph to score on has {adjacency.num_nodes} nodes, the model's features {self.num_nodes} "
                    "rows. Give the features of that graph too."
                )
            features = self.features
        levels = scoring.node_levels(self.network, features, adjacency)
        return scoring.score_pairs(self.network, levels, adjacency, pairs)

    def score_ids(self, source_ids: Iterable[Any], target_ids: Iterable[Any]) -> Float[Tensor, " pairs"]:
        """Return the logit of each pair of node ids (lists, arrays, columns) on the served graph.

        Raises:
            InvalidGraph: an id is unknown, or the two sequences differ in length.
        """
        sources, targets = self.positions(source_ids), self.positions(target_ids)
        if len(sources) != len(targets):
            raise InvalidGraph(
                f"There are {len(sources)} sources and {len(targets)} targets. Give one target a source."
            )
        return self.score_pairs(torch.stack([sources, targets]))

    def positions(self, ids: Iterable[Any]) -> Int64[Tensor, " ids"]:
        """Return the position of each node id.

        Raises:
            InvalidGraph: an id is unknown; the message counts them and names the first.
        """
        wanted = list(ids)
        unknown = [one for one in wanted if one not in self._positions]
        if unknown:
            kind = "text" if isinstance(self.node_ids[0] if self.node_ids else 0, str) else "whole numbers"
            raise InvalidGraph(
                f"{len(unknown)} of {len(wanted)} node ids are unknown to the model (first: {unknown[0]!r}). It knows "
                f"the {self.num_nodes} nodes of its snapshot, whose ids are {kind}. Correct the ids, or train on a "
                "snapshot that has these nodes."
            )
        return torch.tensor([self._positions[one] for one in wanted], dtype=torch.int64)

    def to(self, device: torch.device | str) -> LinkModel:
        """Return the model on a device; the network itself moves."""
        features = None if self.features is None else self.features.to(device)
        return LinkModel(self.config, self.network.to(device), self.adjacency.to(device), features, self.node_ids)

    def save(self, folder: Path) -> None:
        """Write the model into a folder: JSON and safetensors, nothing that runs code when it is read."""
        folder.mkdir(parents=True, exist_ok=True)
        description = {
            "format": FORMAT,
            "config": self.config.model_dump(mode="json"),
            "num_nodes": self.num_nodes,
            "num_features": self.network.num_features,
            "num_ids": self.network.num_ids,
        }
        (folder / "model.json").write_text(json.dumps(description, indent=2) + "\n")
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in self.network.state_dict().items()}
        save_file(weights, folder / "weights.safetensors")
        graph = {"edges": self.adjacency.edges().cpu().contiguous()}
        if self.features is not None:
            graph["features"] = self.features.cpu().contiguous()
        save_file(graph, folder / "graph.safetensors")
        (folder / "node_ids.json").write_text(json.dumps(list(self.node_ids)) + "\n")

    @classmethod
    def load(cls, folder: Path) -> LinkModel:
        """Read a model from a folder that `save` wrote.

        Raises:
            InvalidGraph: a file is missing, or the folder was written in a format this version does not know.
        """
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise InvalidGraph(f"{folder} lacks {missing[0]}. Give the folder that LinkModel.save wrote, complete.")
        description = json.loads((folder / "model.json").read_text())
        if description["format"] != FORMAT:
            raise InvalidGraph(
                f"{folder} is in format {description['format']}, this version reads format {FORMAT}. "
                "Load it with the version of ncnc_core that wrote it, or train again."
            )
        config = ModelConfig.model_validate(description["config"])
        network = LinkNetwork(config, num_features=description["num_features"], num_ids=description["num_ids"])
        network.load_state_dict(load_file(folder / "weights.safetensors"))
        graph = load_file(folder / "graph.safetensors")
        adjacency = Adjacency.from_edges(graph["edges"], description["num_nodes"])
        node_ids = json.loads((folder / "node_ids.json").read_text())
        return cls(config, network.eval(), adjacency, graph.get("features"), node_ids)

    @cached_property
    def _positions(self) -> dict[NodeId, int]:
        return {node: position for position, node in enumerate(self.node_ids)}

    @cached_property
    def _served_levels(self) -> list[Tensor]:
        return scoring.node_levels(self.network, self.features, self.adjacency)
