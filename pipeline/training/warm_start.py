"""The weights that a training starts from: random ones, or those of the champion."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.link_model import LinkModel
from ncnc_core.networks.any_network import network_for_graph
from ncnc_core.splits.leak_invariants import absent
from ncnc_core.training.data import TrainingData
from ncnc_core.training.seeded import seeded
from ncnc_core.training.warm_start import carried_weights
from pipeline.doors import Doors
from pipeline.graphs.tables import GraphTables
from pipeline.params.train import TrainParams
from pipeline.records.chain import GraphSnapshot, WarmStart
from pipeline.registry.facts import ModelVersion
from pipeline.runs.fetched_versions import version_model, version_split
from pipeline.runs.folder import RunFolder
from pipeline.runs.incumbent import FEATURE_COLUMNS, readable, same_positions

logger = logging.getLogger(__name__)
NO_CHAMPION = "none"
TIME = "%Y-%m-%d %H:%M"


@dataclass(frozen=True, eq=False)
class Start:
    """The first weights of a training, or None for random ones; the version they are from, or why there are none."""

    weights: dict[str, Tensor] | None = None
    source: WarmStart | None = None
    note: str = ""


def start_of(
    folder: RunFolder, params: TrainParams, tables: GraphTables, data: TrainingData, history: EdgeHistory, doors: Doors
) -> Start:
    """Return the first weights of tonight's training; a champion that does not fit gives a cold start and its reason.

    The version is chosen once a run: a retry, also after a rollback, goes on from the same weights.
    """
    if params.warm_start == "none":
        return Start()
    run_id = folder.require_mlflow_run()
    champion = doors.registry.versions.champion_weights(folder.graph)
    chosen = doors.registry.runs.pinned(run_id, "warm_start", str(champion.version) if champion else NO_CHAMPION)
    if chosen == NO_CHAMPION:
        return _cold("there is no champion to begin with")
    version, as_of = doors.registry.versions.get(folder.graph, int(chosen)), folder.get(GraphSnapshot).as_of
    if version.as_of >= as_of:
        # A late run of an earlier night: the model would know edges later than its own as-of.
        return _cold(
            f"version {version.version} has seen the graph up to {version.as_of:{TIME}}, "
            f"and this is the night of {as_of:{TIME}}"
        )
    columns = [doors.registry.runs.param(run, FEATURE_COLUMNS) for run in (version.run_id, run_id)]
    if columns[0] != columns[1]:
        return _cold(f"version {version.version} reads the features {columns[0]}, tonight's are {columns[1]}")
    source = readable(version_model(folder, version, doors))
    if isinstance(source, str):
        return _cold(source)
    # Known only where tonight's positions mean the same nodes.
    arrays = version_split(folder, version, doors) if same_positions(source, tables) else None
    return _carried(version, source, params, tables, data, history, None if arrays is None else arrays.train)


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
        fresh = network_for_graph(params.model, data.features, data.num_nodes)
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
