"""Runs the steps on your own edge file without a scheduler: check, split, train, evaluate, decide."""

from __future__ import annotations

import fcntl
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from pipeline.credentials import LITERAL
from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.errors import InvalidInput, WrongAsOf
from pipeline.night import run_step
from pipeline.params.params import Params
from pipeline.records.chain import GraphSnapshot, PromotionDecision
from pipeline.records.digests import digests_of_folder, folder_digest, sha256_of_file
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.names import RUNS, stamp
from pipeline.runs.folder import RunFolder
from pipeline.runs.key import code_version, run_key
from pipeline.snapshots.snapshot_store import SnapshotStore


@dataclass(frozen=True)
class Trial:
    """The result; `folder` holds every record and the model."""

    folder: Path
    snapshot: GraphSnapshot
    evaluation: EvaluationRecord
    decision: PromotionDecision


def graph_name(edges: Path) -> str:
    """Return a graph name made from a file's name: lower case, everything else an underscore."""
    name = re.sub(r"[^a-z0-9_]+", "_", edges.name.split(".")[0].lower()).strip("_")
    return name or "graph"


def trial_params(base: Params, settings: Sequence[str], edges: Path) -> Params:
    """Return the parameters with `section.key=value` settings applied, checked as params.yaml is.

    Raises:
        InvalidInput: a setting has no `=`, or names no parameter.
    """
    content = yaml.safe_load(base.to_yaml())
    for setting in [f"snapshot.graph={graph_name(edges)}", *settings]:
        key, equals, value = setting.partition("=")
        if not equals:
            raise InvalidInput(f"--set takes section.key=value, not {setting!r}. Try snapshot.duplicates=merge.")
        place: dict[str, Any] = content  # Any: a section holds values of every YAML type
        *sections, last = key.split(".")
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise InvalidInput(f"--set {setting}: {section} is a value, not a section. Remove what follows it.")
        try:
            place[last] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise InvalidInput(f"--set {setting}: {value!r} is not a YAML value. Put quotes around text.") from error
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "params.yaml"
        path.write_text(yaml.safe_dump(content))
        return Params.load(path)


def run_trial(
    edges: Path,
    nodes: Path | None,
    params: Params,
    home: Path,
    on_step: Callable[[str], None],
    split: Path | None = None,
) -> Trial:
    """Run the steps on a file, in a home of its own, with a data repository and a tracking database inside it.

    The graph is taken as of the file's modification time at the first trial of it; the same bytes, parameters and code
    are the same trial, whose result is shown again.

    Raises:
        InvalidInput: the file is missing, or its content breaks a rule.
    """
    if not edges.exists():
        raise InvalidInput(f"There is no edge file at {edges}. Pass a Parquet or CSV file with one row per edge.")
    if nodes is not None and not nodes.exists():
        raise InvalidInput(f"There is no node file at {nodes}. Pass a Parquet or CSV file, or leave --nodes out.")
    if (sign := next((sign for sign in "?#" if sign in str(home.absolute())), None)) is not None:
        raise InvalidInput(
            f"The home {home.absolute()} has a {sign} in its path, where the address of MLflow's database would end. "
            f"Pass --home with another folder."
        )
    doors = Doors(_environment(edges, nodes, split, params, home))
    with _alone(doors.environment.home, on_step):
        return _trial(edges, params, doors, on_step)


@contextmanager
def _alone(home: Path, on_step: Callable[[str], None]) -> Iterator[None]:
    """Wait while another process runs the same trial: the second one then shows the result of the first."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".trial.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_step("waiting for the same trial in another process")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _trial(edges: Path, params: Params, doors: Doors, on_step: Callable[[str], None]) -> Trial:
    as_of = _as_of(edges, doors)
    if not Path(doors.environment.data_repository).exists():
        SnapshotStore.create(doors.environment.data_repository, doors.environment.dvc_remote)
    name = f"{params.snapshot.graph}-{stamp(as_of)}"
    folder = RunFolder(doors.environment.home / RUNS / name, doors.registry)
    on_step("snapshot")
    try:
        run_step("snapshot", folder, params, doors=doors, as_of=as_of)
    except WrongAsOf as error:
        raise InvalidInput(
            f"{error} The as-of of a trial is the modification time of the edge file, {as_of.isoformat()}: a copy or "
            f"an unpacked archive may have an old one, or one that is to come. If all of it is known by now, run: "
            f"touch {edges}"
        ) from error
    for step in ("split", "train", "evaluate", "decide"):
        on_step(step)
        run_step(step, folder, params, doors=doors)
    return Trial(folder.path, folder.get(GraphSnapshot), folder.get(EvaluationRecord), folder.get(PromotionDecision))


def _as_of(edges: Path, doors: Doors) -> datetime:
    """Return the time of an earlier trial of these bytes, else the file's, so that `touch` makes no new trial."""
    known = list((doors.environment.home / RUNS).glob("*/graph_snapshot.json"))
    if known:
        return GraphSnapshot.read(known[0].parent).as_of
    return datetime.fromtimestamp(int(edges.stat().st_mtime), UTC)


def _environment(edges: Path, nodes: Path | None, split: Path | None, params: Params, home: Path) -> Environment:
    # Other bytes, parameters or code are another trial, not the next night of an earlier one's graph.
    bytes_of = [_sha256_of(place) for place in (edges, nodes, split) if place is not None]
    key = run_key(" ".join(bytes_of), params.sha256, code_version())
    home = home.absolute() / f"{params.snapshot.graph}-{key[:12]}"
    values = {
        "NCNC_HOME": str(home),
        "NCNC_DATA_REPOSITORY": str(home / "graph-data.git"),
        "NCNC_DVC_REMOTE": str(home / "dvc-remote"),
        "NCNC_SOURCE_EDGES": f"{LITERAL}{edges.absolute()}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{home / 'mlflow.db'}",
    }
    if nodes is not None:
        values["NCNC_SOURCE_NODES"] = f"{LITERAL}{nodes.absolute()}"
    if split is not None:
        values["NCNC_SOURCE_SPLIT"] = f"{LITERAL}{split.absolute()}"
    return Environment(values)


def _sha256_of(place: Path) -> str:
    return folder_digest(digests_of_folder(place)) if place.is_dir() else sha256_of_file(place)
