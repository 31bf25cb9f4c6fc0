"""The folder a model is saved to: JSON and safetensors, nothing that runs code when it is read."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_times import EdgeTimes
from ncnc_core.inputs.node_ids import NodeId, clean_ids
from ncnc_core.networks.any_network import AnyNetwork, network_of_sizes
from ncnc_core.networks.blank_weights import blank_weights
from ncnc_core.whole_file import whole_file

# Of the folder. 1, which is read no more: before edge weights and sparse features, and with the completion's prior
# apart. 2: without the digests of the other files. 3: every temporal model reads where nodes lie, and none which way
# events went.
FORMAT, OLDEST_FORMAT = 4, 2
FILES = ("model.json", "weights.safetensors", "graph.safetensors", "node_ids.json")
MEND = "Copy the folder again, or save the model again."


@dataclass(frozen=True, eq=False)
class ModelParts:
    """What a folder holds."""

    config: ModelConfig
    network: AnyNetwork
    adjacency: Adjacency
    features: Tensor | None
    node_ids: list[NodeId]
    calibration: ScoreCalibration | None = None


def save_parts(parts: ModelParts, folder: Path, weights_of: Path | None = None) -> None:
    """Write the folder; the same model gives the same bytes.

    `weights_of` is the folder that the network was loaded from: its weights file is then copied byte for byte.

    All files are written beside their places first. `model.json` comes last and holds the digests of the others, so
    that a reader sees the model of before, the new one, or that the folder was not written to its end.

    Raises:
        InvalidGraph: a weight is not finite.
    """
    _require_finite(parts.network, "The model")
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in parts.network.state_dict().items()}
    with ExitStack() as files:  # left in the other order: model.json gets its name when the others have theirs
        staged = {name: files.enter_context(whole_file(folder / name)) for name in FILES}
        if weights_of is None:
            save_file(weights, staged["weights.safetensors"])
        else:
            shutil.copyfile(weights_of / "weights.safetensors", staged["weights.safetensors"])
        save_file(_graph_tensors(parts.adjacency, parts.features), staged["graph.safetensors"])
        staged["node_ids.json"].write_text(json.dumps(parts.node_ids) + "\n")
        digests = {name: _digest(staged[name]) for name in FILES[1:]}
        staged["model.json"].write_text(json.dumps(_description(parts, digests), indent=2) + "\n")


def _description(parts: ModelParts, digests: dict[str, str]) -> dict[str, Any]:
    description: dict[str, Any] = {
        "format": FORMAT,
        "config": parts.config.model_dump(mode="json"),
        "num_nodes": parts.adjacency.num_nodes,
        "num_features": parts.network.num_features,
        "num_ids": parts.network.num_ids,
        "sha256": digests,
    }
    if parts.calibration is not None:
        description["calibration"] = asdict(parts.calibration)
    return description


def load_parts(folder: Path) -> ModelParts:
    """Read a folder that `save_parts` wrote.

    Raises:
        InvalidGraph: a file is missing or damaged, a weight is not finite, or the folder was written in a format this
            version does not know.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise InvalidGraph(f"{folder} lacks {missing[0]}. Give the folder that LinkModel.save wrote, complete.")
    try:
        return _read_parts(folder)
    except InvalidGraph:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:  # whatever damage leads to
        told = " ".join(str(error).split())  # torch and json tell it over many lines
        raise InvalidGraph(f"{folder} is damaged ({type(error).__name__}: {told}). {MEND}") from error


def _read_parts(folder: Path) -> ModelParts:
    description = json.loads((folder / "model.json").read_text())
    _require_format(description, folder)
    _require_digests(description.get("sha256", {}), folder)
    config = _config(description["config"], folder)
    with blank_weights():
        sizes = {"num_features": description["num_features"], "num_ids": description["num_ids"]}
        network = network_of_sizes(config, **sizes)
    network.load_state_dict(_tensors(folder / "weights.safetensors"), assign=True)
    _require_finite(network, str(folder))
    graph = _tensors(folder / "graph.safetensors")
    return ModelParts(
        config=config,
        network=network.eval(),
        adjacency=_adjacency(graph, description["num_nodes"]),
        features=_features(graph, description["num_nodes"]),
        node_ids=clean_ids(json.loads((folder / "node_ids.json").read_text()), "node_ids.json"),
        calibration=ScoreCalibration(**description["calibration"]) if "calibration" in description else None,
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_digests(digests: dict[str, str], folder: Path) -> None:
    for name, digest in digests.items():
        if _digest(folder / name) != digest:
            raise InvalidGraph(
                f"{folder / name} is not the file that was saved with model.json: it is damaged ("
                f"{(folder / name).stat().st_size} bytes), or of another save. {MEND}"
            )


def _require_finite(network: AnyNetwork, whose: str) -> None:
    """Refuse weights that are NaN or infinite: every score would be NaN."""
    for name, tensor in network.state_dict().items():
        broken = int((~torch.isfinite(tensor)).sum())
        if broken:
            raise InvalidGraph(
                f"{whose} has weights that are not finite: {broken} of {tensor.numel()} in {name}. Train again, with "
                "lower learning rates, or load a copy that is whole."
            )


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        # Copied, for torch aligns what it allocates and the file does not: on some processors a matrix product of
        # unaligned rows adds up in another order, and a model read back would not score bit for bit as it did.
        return {name: tensor.clone() for name, tensor in load_file(path).items()}
    except SafetensorError as error:
        raise InvalidGraph(f"{path} is cut short or damaged: {path.stat().st_size} bytes ({error}). {MEND}") from error


def _require_format(description: dict[str, Any], folder: Path) -> None:
    found = description.get("format")
    if isinstance(found, int) and OLDEST_FORMAT <= found <= FORMAT:
        return
    newer = isinstance(found, int) and found > FORMAT
    remedy = (
        "It was written by a newer version: upgrade this one."
        if newer
        else "Load it with the version that wrote it, or train again."
    )
    raise InvalidGraph(
        f"{folder} is in format {found}, and this version of ncnc_core reads the formats {OLDEST_FORMAT} to {FORMAT}. "
        f"{remedy}"
    )


def _config(fields: dict[str, Any], folder: Path) -> ModelConfig:
    try:
        return ModelConfig.model_validate(_older_choices(fields) | fields)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise InvalidGraph(
            f"{folder} has a model configuration that this version of ncnc_core does not know ({where}: "
            f"{error.errors()[0]['msg']}). Load it with the version that wrote it, or train again."
        ) from error


def _older_choices(fields: dict[str, Any]) -> dict[str, Any]:
    """Return what models did before a field gave the choice; it counts where a model was saved without the field."""
    return {"standardize_features": False, "spectral_proximity": fields.get("predictor") == "temporal_ncn"}


def _graph_tensors(adjacency: Adjacency, features: Tensor | None) -> dict[str, Tensor]:
    upper = adjacency.row < adjacency.column  # each edge once, in the order of Adjacency.edges
    tensors = {"edges": adjacency.edges()}
    if adjacency.weight is not None:
        tensors["edge_weight"] = adjacency.weight[upper]
    if adjacency.times is not None:
        own = adjacency.times.kept(upper)
        tensors |= {"edge_first": own.first, "edge_last": own.last, "edge_events": own.events, "arrivals": own.arrivals}
        tensors |= {} if own.sent is None else {"edge_sent": own.sent}
    if features is not None and features.layout == torch.sparse_csr:
        tensors["feature_rows"] = features.crow_indices()
        tensors["feature_columns"] = features.col_indices()
        tensors["feature_values"] = features.values()
        tensors["feature_width"] = torch.tensor([features.shape[1]])
    elif features is not None:
        tensors["features"] = features
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _adjacency(graph: dict[str, Tensor], num_nodes: int) -> Adjacency:
    times = None
    if "arrivals" in graph:
        own = graph["edge_first"], graph["edge_last"], graph["edge_events"]
        times = EdgeTimes(*own, graph["arrivals"], graph.get("edge_sent"))
    return Adjacency.from_edges(graph["edges"], num_nodes, graph.get("edge_weight"), times)


def _features(graph: dict[str, Tensor], num_nodes: int) -> Tensor | None:
    if "feature_rows" not in graph:
        return graph.get("features")
    return torch.sparse_csr_tensor(
        graph["feature_rows"],
        graph["feature_columns"],
        graph["feature_values"],
        size=(num_nodes, int(graph["feature_width"])),
        check_invariants=True,
    )
