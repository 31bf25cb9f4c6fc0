"""A model's weights on another night's graph: what a refresh serves, made again bit for bit by whoever has both."""

from __future__ import annotations

from pathlib import Path

import torch

from ncnc_core.link_model import LinkModel
from pipeline.graphs.tables import GraphTables
from pipeline.splits.event_times import serving_graph


def refreshed_model(source: LinkModel, tables: GraphTables) -> LinkModel:
    """Return a model with the same weights on a snapshot's living graph, with its features and times as they are now.

    It carries what a model that was promoted on that night carries.

    Raises:
        InvalidGraph: the weights do not fit the graph.
    """
    graph = serving_graph(tables, timed=source.config.predictor == "temporal_ncn")
    features = None if tables.features is None else torch.tensor(tables.features)
    return source.on_graph(graph, features, tables.node_ids.tolist())


def save_refreshed(source: Path, tables: GraphTables, folder: Path) -> LinkModel:
    """Save the weights of a saved model on a snapshot's graph, the weights file byte for byte, and return the model.

    Raises:
        InvalidGraph: the weights do not fit the graph.
    """
    model = refreshed_model(LinkModel.load(source), tables)
    model.save(folder, weights_of=source)
    return model
