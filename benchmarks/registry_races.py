"""Races for a version and for the champion, with processes: `python -m benchmarks.registry_races [--races 50]`.

Two processes register at the same moment: one run against itself, two runs of one key, two challengers of one champion.
Each race must leave one version of the run key, or one champion. Prints a table and, where asked, writes JSON; ends 1
where a race left anything else. Without `--tracking` it makes an MLflow on SQLite in a temporary folder; for PostgreSQL
start `mlflow server --backend-store-uri postgresql://... --artifacts-destination FOLDER` and pass its URL.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel
from ncnc_core.networks.link_network import LinkNetwork
from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.errors import OutsideTrouble, StepError
from pipeline.params.params import Params
from pipeline.records.chain import EdgeSplit, GraphSnapshot, PromotionDecision, TrainedModel
from pipeline.records.digests import FileDigest, digests_of_folder
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.findings import CheckResult, LeakInvariant, RuleVerdict
from pipeline.records.record import Record
from pipeline.records.scores import Interval, ModelScores
from pipeline.runs.folder import RunFolder
from pipeline.runs.key import code_version
from pipeline.snapshots.snapshot_store import SnapshotStore
from pipeline.steps import register

KINDS = ("one run twice", "two runs of one key", "two challengers")
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
TRIES = 20


@dataclass
class Tally:
    """What the races of one kind came to."""

    wrong: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    seconds: float = 0.0


def untrained_model(folder: Path) -> None:
    """Save a small model that nobody trained."""
    config = ModelConfig(hidden_channels=8)
    edges = torch.tensor([[0, 1, 2], [1, 2, 3]])
    network, graph = LinkNetwork(config, num_features=0), Adjacency.from_edges(edges, 4)
    ids = [10, 20, 30, 40]
    LinkModel(config=config, network=network, adjacency=graph, features=None, node_ids=ids).save(folder)


def decided_run(doors: Doors, graph: str, as_of: datetime, key: str, champion: int | None, model: Path) -> RunFolder:
    """Leave a run that stands where `register` begins, all of it in MLflow."""
    registry, name = doors.registry, f"{graph}-{as_of:%Y%m%dT%H%M%SZ}"
    run_id = registry.runs.open(graph, name, run_key=key, params={})
    registry.runs.put_folder(run_id, model, "model")
    folder = RunFolder(doors.environment.home / "runs" / name, registry)
    folder.freeze(Params())
    for record in _chain(graph, name, as_of, key, run_id, champion, digests_of_folder(model)):
        folder.put(record)
    return folder


def _chain(
    graph: str, name: str, as_of: datetime, key: str, run_id: str, champion: int | None, files: tuple[FileDigest, ...]
) -> tuple[Record, ...]:
    invariant = LeakInvariant(name="disjoint", checked=3, violations=0)
    check = CheckResult(name="rows", level="refuse", threshold=">= 1", observed="3", passed=True)
    snapshot = GraphSnapshot(
        graph=graph, run_name=name, as_of=as_of, content_id="c" * 64, tag=f"snap/{graph}/{as_of:%Y%m%d}/{'c' * 12}",
        dvc_md5="d" * 32, manifest_sha256="e" * 64, source_sha256="f" * 64, previous_tag=None, previous_as_of=None,
        num_nodes=4, num_edges=3, num_features=0, added_edges=3, removed_edges=0, returned_edges=0, checks=(check,),
        params_sha256=Params().sha256, code_version=code_version(), git_commit=None, run_key=key,
    )  # fmt: skip
    split = EdgeSplit(
        snapshot_sha256=snapshot.sha256, method="hashed", reason="a race", cut_train=None, cut_valid=None, num_train=1,
        num_valid=1, num_test=1, num_message_train=1, num_message_test=2, seed=0, files=(), tag="split/none",
        certificate=(invariant,),
    )  # fmt: skip
    trained = TrainedModel(
        split_sha256=split.sha256, mlflow_run_id=run_id, files=files, epochs=1, best_epoch=1, selection_metric="mrr",
        best_value=0.5, num_parameters=10, seed=0, seconds=0.1, machine={},
    )  # fmt: skip
    scores = ModelScores(name="challenger", metrics={"mrr": Interval(value=0.5, low=0.4, high=0.6)})
    evaluation = EvaluationRecord(
        trained_model_sha256=trained.sha256, num_test_edges=300, num_seen_by_champion=0, num_negatives=50,
        challenger=scores, champion=None, champion_note="a race", floor=(scores,), paired_metric="mrr", paired=None,
        certificate=(invariant,), snapshot_checks=(check,), seconds=0.1,
    )  # fmt: skip
    decision = PromotionDecision(
        report_sha256=evaluation.sha256, promote=True, cold_start=champion is None, reason="a race",
        rules=(RuleVerdict(name="beats_floor", threshold="> 0", observed="0.5", passed=True),),
        champion_version=champion,
    )  # fmt: skip
    return snapshot, split, trained, evaluation, decision


def racer(values: dict[str, str], home: str, tasks: Connection) -> None:
    """Register what is sent, at the moment that is sent with it; answer with the version or the refusal."""
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  for the life of the process
    doors = Doors(Environment(values | {"NCNC_HOME": home}))
    while (task := tasks.recv()) is not None:
        name, moment = task
        folder = RunFolder(Path(home) / "runs" / name, doors.registry)
        time.sleep(max(0.0, moment - time.time()))
        for tried in range(TRIES):
            try:
                tasks.send((register.run(folder, Params(), doors=doors).version, tried))
                break
            except OutsideTrouble:  # as Airflow's retries would
                time.sleep(0.2)
            except StepError as error:
                tasks.send((f"{type(error).__name__}: {str(error)[:80]}", tried))
                break
        else:
            tasks.send(("out of tries", TRIES))


def run_races(kind: str, races: int, doors: Doors, ends: list[Connection], model: Path) -> Tally:
    """Run the races of one kind on a graph of its own, and look at what each one left."""
    tally, graph = Tally(), f"race-{kind.replace(' ', '-')}-{os.getpid()}"
    for number in range(races):
        champion = doors.registry.aliases.of(graph).get("champion")
        before = {item.version for item in doors.registry.contents.versions(graph)}
        names = []
        for entrant in range(1 if kind == KINDS[0] else 2):
            as_of = FIRST + timedelta(hours=2 * number + entrant)
            key = f"{number:060x}{entrant if kind == KINDS[2] else 0:04x}"
            names.append(decided_run(doors, graph, as_of, key, champion, model).name)
        started = time.time()
        for end, name in zip(ends, (names * 2)[:2], strict=True):
            end.send((name, started + 0.2))
        answers = [end.recv() for end in ends]
        tally.seconds += time.time() - started - 0.2
        tally.retries += sum(tried for _, tried in answers)
        said = [answer for answer, _ in answers]
        tally.answers.update("version" if isinstance(item, int) else item.partition(":")[0] for item in said)
        made = {item.version for item in doors.registry.contents.versions(graph)} - before
        wrong = fault(kind, said, made, champion, doors.registry.aliases.of(graph))
        if wrong:
            tally.wrong.append(f"race {number}: {wrong}")
    return tally


def fault(
    kind: str, said: list[int | str], made: set[int], champion: int | None, aliases: dict[str, int]
) -> str | None:
    """Return what is wrong with a race's end, or None."""
    won = {item for item in said if isinstance(item, int)}
    allowed = 2 if kind == KINDS[2] else 1  # the second challenger may have its version, but not the alias
    if not 1 <= len(made) <= allowed:
        return f"made versions {sorted(made)}, answers {said}"
    if len(won) != 1 or not won <= made:
        return f"answers {said}, made {sorted(made)}"
    if kind == KINDS[0] and len([item for item in said if isinstance(item, int)]) != 2:
        return f"one try of the run failed: {said}"
    if aliases.get("champion") not in won or aliases.get("previous") != champion:
        return f"aliases {aliases} after {said}, the champion before was {champion}"
    return None


def main() -> int:
    """Run the races and print what they came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--races", type=int, default=50, help="of each kind")
    parser.add_argument("--tracking", help="an MLflow server; without, SQLite in a temporary folder")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        SnapshotStore.create(str(place / "origin.git"), str(place / "remote"))
        tracking = options.tracking or f"sqlite:///{place / 'mlflow.db'}"
        values = {"NCNC_DATA_REPOSITORY": str(place / "origin.git"), "MLFLOW_TRACKING_URI": tracking}
        tallies = measure(values, place, options.races)
    show(tallies, options.races, tracking)
    if options.json:
        options.json.write_text(json.dumps({kind: asdict(tally) for kind, tally in tallies.items()}, indent=2) + "\n")
    return 1 if any(tally.wrong for tally in tallies.values()) else 0


def measure(values: dict[str, str], place: Path, races: int) -> dict[str, Tally]:
    """Start the two processes and run every kind of race."""
    untrained_model(place / "model")
    doors = Doors(Environment(values | {"NCNC_HOME": str(place / "home")}))
    doors.registry.aliases.of("none")  # makes the database's tables before two processes would
    context, ends, processes = multiprocessing.get_context("spawn"), [], []
    for number in range(2):
        ours, theirs = context.Pipe()
        processes.append(context.Process(target=racer, args=(values, str(place / f"racer-{number}"), theirs)))
        ends.append(ours)
        processes[-1].start()
    try:
        return {kind: run_races(kind, races, doors, ends, place / "model") for kind in KINDS}
    finally:
        for end, process in zip(ends, processes, strict=True):
            end.send(None)
            process.join(timeout=30)
            process.kill()


def show(tallies: dict[str, Tally], races: int, tracking: str) -> None:
    """Print a row a kind of race."""
    server = "SQLite" if tracking.startswith("sqlite") else "a server"
    table = Table(title=f"{races} races of each kind, two processes, MLflow on {server}", title_justify="left")
    for name in ("race", "right", "wrong", "answers", "tried again", "seconds a race"):
        table.add_column(name)
    for kind, tally in tallies.items():
        answers = ", ".join(f"{count} {answer}" for answer, count in tally.answers.most_common())
        right = races - len(tally.wrong)
        seconds = f"{tally.seconds / races:.2f}"
        table.add_row(kind, str(right), str(len(tally.wrong)), answers, str(tally.retries), seconds)
    Console().print(table)
    for tally in tallies.values():
        for wrong in tally.wrong:
            print(wrong)


if __name__ == "__main__":
    sys.exit(main())
