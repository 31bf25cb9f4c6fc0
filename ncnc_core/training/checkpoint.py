"""A checkpoint after an epoch: one safetensors file from which training continues bit for bit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.training.data import TrainingData
from ncnc_core.training.valid_sample import ValidSample
from ncnc_core.whole_file import whole_file

FORMAT = "1"  # in the header of the file; raised when another version's reader would misread it


@dataclass(frozen=True)
class EpochResult:
    """One epoch: its mean loss, the validation metrics (empty where it was not evaluated), and its duration.

    `standard_error` is that of the selection metric where a sample of the validation edges was scored.
    """

    epoch: int
    loss: float
    metrics: dict[str, float]
    seconds: float
    standard_error: float | None = None


@dataclass
class Progress:
    """How far a training has come."""

    history: list[EpochResult] = field(default_factory=list)
    best_epoch: int = 0
    best_value: float = float("-inf")
    evaluations_without_gain: int = 0
    finished: bool = False


def fingerprint(
    model: ModelConfig,
    training: TrainingConfig,
    data: TrainingData,
    selection_metric: str,
    initial_weights: Mapping[str, Tensor] | None = None,
) -> str:
    """Return a digest of everything a training's outcome depends on; a checkpoint of another one is refused."""
    digest = hashlib.sha256()
    # A switch that came later and is off is left out, so that a checkpoint of before is still that of its training.
    later = {"edge_directions"} if not model.edge_directions else set()
    later |= {"spectral_proximity"} if model.predictor != "temporal_ncn" else set()
    fields_of_model = model.model_dump(exclude=later)
    is_whole = ValidSample.of_training(data, training, selection_metric).is_whole
    recipe = training.model_dump(exclude={"valid_pairs"} if is_whole else None)  # a bound that binds nothing
    digest.update(json.dumps([fields_of_model, recipe, data.num_nodes, selection_metric]).encode())
    named = {
        field.name: getattr(data, field.name) for field in fields(data) if field.name not in ("num_nodes", "times")
    }
    if data.times is not None:
        digest.update(f"times {data.times.cut_train} {data.times.cut_valid} {data.times.negative_kinds}".encode())
        history = data.times.history
        events = {one.name: getattr(history, one.name) for one in fields(history) if one.name != "num_nodes"}
        named |= {name: tensor for name, tensor in events.items() if tensor is not None}  # directions came later
    for name, tensor in [*named.items(), *sorted((initial_weights or {}).items())]:
        digest.update(f"{name} {None if tensor is None else (tuple(tensor.shape), tensor.dtype)}".encode())
        for part in _parts(tensor):
            digest.update(part.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _parts(tensor: Tensor | None) -> list[Tensor]:
    """Return the plain arrays that a tensor is held in."""
    if tensor is None:
        return []
    if tensor.layout == torch.sparse_csr:
        return [tensor.crow_indices(), tensor.col_indices(), tensor.values()]
    return [tensor]


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], progress: Progress, run: str) -> None:
    """Write the file whole or not at all: beside its place first, then renamed over the last one."""
    stored = asdict(progress)
    for result in stored["history"]:
        if result["standard_error"] is None:  # it came later: where there is none, the file is that of before
            del result["standard_error"]
    metadata = {"format": FORMAT, "run": run, "progress": json.dumps(stored)}
    with whole_file(path) as staged:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, staged, metadata)


def read_checkpoint(path: Path, run: str) -> tuple[dict[str, Tensor], Progress]:
    """Read a checkpoint of this very run.

    Raises:
        InvalidGraph: the file is broken, or belongs to another model, recipe or graph.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping: no iterator
    except SafetensorError as error:
        raise InvalidGraph(
            f"{path.name} is cut short or damaged: {path.stat().st_size} bytes ({error}). Remove the file, and the "
            "training starts from its beginning."
        ) from error
    if (found := metadata.get("format", "1")) != FORMAT:  # those of 2026-11 carry no number
        raise InvalidGraph(
            f"{path.name} is in format {found}, and this version reads format {FORMAT}: a newer version wrote it. "
            "Upgrade this one, or remove the file: the training then starts from its beginning."
        )
    if metadata["run"] != run:
        raise InvalidGraph(
            f"{path.name} is the checkpoint of another training (run {metadata['run'][:12]}, this one is {run[:12]}): "
            "model, recipe or graph differ. Remove the file, or give the settings it was written with."
        )
    stored = json.loads(metadata["progress"])
    stored["history"] = [EpochResult(**result) for result in stored["history"]]
    return tensors, Progress(**stored)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's state by parameter number and name."""
    state = optimizer.state_dict()["state"]
    return {f"optimizer/{index}/{name}": value for index, slots in state.items() for name, value in slots.items()}


def load_optimizer_tensors(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put `optimizer_tensors` back."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        kind, _, rest = name.partition("/")
        if kind == "optimizer":
            index, _, slot = rest.partition("/")
            state.setdefault(int(index), {})[slot] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
