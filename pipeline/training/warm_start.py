"""Where a training begins: with random weights, or with those of the champion, which has seen what it has seen."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.link_model import LinkModel
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.splits.leak_invariants import absent
from ncnc_core.training.data import TrainingData
from ncnc_core.training.seeded import seeded
from ncnc_core.training.warm_start import carried_weights
from pipeline.doors import Doors
from pipeline.graphs.tables import GraphTables
from pipeline.params.params import TrainParams
from pipeline.records.chain import GraphSnapshot, WarmStart
from pipeline.registry.facts import ModelVersion
from pipeline.runs.folder import RunFolder
from pipeline.runs.incumbent import FEATURE_COLUMNS, published_split, readable, same_positions

logger = logging.getLogger(__name__)
SOURCE_FOLDER = "warm_start"
NO_CHAMPION = "none"
TIME = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, eq=False)
class Start:
    """The first weights of a training (None: random ones), whose they are, and why they are not where none are."""

    weights: dict[str, Tensor] | None = None
    source: WarmStart | None = None
    note: str = ""


def start_of(
    folder: RunFolder, params: TrainParams, tables: GraphTables, data: TrainingData, history: EdgeHistory, doors: Doors
) -> Start:
    """Return where tonight's training begins; a champion that does not fit is a cold start with its reason, no error.

    The version is chosen once a run: a retry, also after a rollback, goes on from the same weights.
    """
    if params.warm_start == "none":
        return Start()
    run_id = folder.require_mlflow_run()
    champion = doors.registry.versions.champion(folder.graph)
    chosen = doors.registry.runs.pinned(run_id, "warm_start", str(champion.version) if champion else NO_CHAMPION)
    if chosen == NO_CHAMPION:
        return _cold("there is no champion to begin with")
    version, as_of = doors.registry.versions.get(folder.graph, int(chosen)), folder.get(GraphSnapshot).as_of
    if version.as_of >= as_of:
        # A night caught up on: the model would be dated before edges that it has seen through its source.
        return _cold(
            f"version {version.version} has seen the graph up to {version.as_of:{TIME}}, "
            f"and this is the night of {as_of:{TIME}}"
        )
    columns = [doors.registry.runs.param(run, FEATURE_COLUMNS) for run in (version.run_id, run_id)]
    if columns[0] != columns[1]:
        return _cold(f"version {version.version} reads the features {columns[0]}, tonight's are {columns[1]}")
    with folder.staging(SOURCE_FOLDER) as staged:
        source = readable(doors.registry.models.fetch(version, staged))
    if isinstance(source, str):
        return _cold(source)
    trained_on = _trained_on(version, source, tables, doors)
    return _carried(version, source, params, tables, data, history, trained_on)


def _carried(
    version: ModelVersion,
    source: LinkModel,
    params: TrainParams,
    tables: GraphTables,
    data: TrainingData,
    history: EdgeHistory,
    trained_on: Tensor | None,
) -> Start:
    with seeded(params.training.seed, torch.device("cpu")):  # the vectors of new nodes
        fresh = LinkNetwork.for_graph(params.model, data.features, data.num_nodes)
    ids = tables.node_ids.tolist()
    try:
        carried = carried_weights(source.network.state_dict(), source.node_ids, fresh, ids)
    except InvalidGraph as error:
        return _cold(f"version {version.version} does not fit: {error}")
    valid = history.look_up(data.valid_edges)
    learnt = None if trained_on is None else absent("not_trained_on", valid, history.look_up(trained_on)).violations
    record = WarmStart(
        version=version.version,
        as_of=version.as_of,
        files=version.files,
        known_nodes=carried.known_nodes,
        new_nodes=carried.new_nodes,
        valid_edges_seen=int(valid.seen_until(int(version.as_of.timestamp())).sum()),
        valid_edges_trained_on=learnt,
    )
    logger.info(
        "begins with the weights of version %d: %d nodes known, %d new; of %d validation edges it has seen %d and "
        "trained on %s",
        *(record.version, record.known_nodes, record.new_nodes, data.valid_edges.shape[1], record.valid_edges_seen),
        "?" if learnt is None else learnt,
    )
    return Start(carried.weights, record)


def _cold(reason: str) -> Start:
    logger.warning("a cold start, although train.warm_start is champion: %s", reason)
    return Start(note=reason)


def _trained_on(version: ModelVersion, source: LinkModel, tables: GraphTables, doors: Doors) -> Tensor | None:
    """Return the edges that a version was trained on; None where they are not known by tonight's positions."""
    arrays = published_split(version, doors) if same_positions(source, tables) else None
    return None if arrays is None else arrays.train
