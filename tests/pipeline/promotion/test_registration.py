from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NothingToDo, OutsideTrouble, StepError
from pipeline.ledger.alias_history import lineages
from pipeline.ledger.approvals import Answer
from pipeline.params.params import Params
from pipeline.promotion.registration import DecidedRun, register_run
from pipeline.records.chain import LineageRecord, RegisteredModel
from pipeline.runs.folder import RunFolder
from pipeline.steps import register
from tests.pipeline.conftest import AS_OF

MakeRun = Callable[..., RunFolder]
RACES = 3  # benchmarks/registry_races.py runs fifty, with processes, on PostgreSQL


def raced(doors: Doors, folders: list[RunFolder], tmp_path: Path) -> list[RegisteredModel | StepError]:
    """Register runs at the same moment, each as on a machine of its own; trouble outside is tried again."""

    def attempt(numbered: tuple[int, RunFolder]) -> RegisteredModel | StepError:
        number, folder = numbered
        own = Doors(doors.environment, clock=lambda: AS_OF + timedelta(seconds=number))
        elsewhere = RunFolder(tmp_path / str(number) / folder.name, own.registry)
        for _ in range(10):
            try:
                return register.run(elsewhere, Params(), doors=own)
            except OutsideTrouble:
                continue
            except StepError as error:
                return error
        raise AssertionError

    with ThreadPoolExecutor(len(folders)) as pool:
        return list(pool.map(attempt, enumerate(folders)))


@pytest.mark.slow
def test_one_run_raced_against_itself_makes_one_version_each_time(
    doors: Doors, graph: str, make_decided_run: MakeRun, tmp_path: Path
) -> None:
    for race in range(RACES):
        champion = doors.registry.aliases.of(graph).get("champion")  # a lost version's number is not given twice
        as_of = datetime(2026, 2, 1 + race, tzinfo=UTC)
        folder = make_decided_run(doors, graph, as_of=as_of, run_key=f"{race:064x}", champion_version=champion)
        first, second = raced(doors, [folder, folder], tmp_path / str(race))
        assert first == second, f"race {race}"
    versions = doors.registry.contents.versions(graph)
    assert len(versions) == RACES
    assert len({item.run_name for item in versions}) == RACES
    audited = [doors.registry.versions.get(graph, item.version) for item in versions]
    assert len({item.model_id for item in audited}) == RACES


@pytest.mark.slow
def test_two_runs_of_one_key_raced_make_one_version_of_one_of_them(
    doors: Doors, graph: str, make_decided_run: MakeRun, tmp_path: Path
) -> None:
    folders = [make_decided_run(doors, graph, as_of=datetime(2026, 2, day, tzinfo=UTC)) for day in (1, 2)]
    results = raced(doors, folders, tmp_path)
    (record,) = [item for item in results if isinstance(item, RegisteredModel)]
    (refused,) = [item for item in results if not isinstance(item, RegisteredModel)]
    assert isinstance(refused, NothingToDo | InvalidInput)  # as the other was champion already, or about to be
    winner = doors.registry.versions.get(graph, record.version)
    lineage = next(folder for folder in folders if folder.name == winner.run_name).get(LineageRecord)
    assert [item.version for item in doors.registry.contents.versions(graph)] == [record.version]
    assert winner.tags["ncnc.lineage_sha256"] == lineage.sha256  # of its own run, or the audit would not hold
    assert lineages(doors.ledger.entries(graph)) == {winner.version: (lineage.sha256,)}


def test_version_says_who_let_it_pass_and_carries_its_card(doors: Doors, graph: str, make_decided_run: MakeRun) -> None:
    folder = make_decided_run(doors, graph)
    answer = Answer(True, "ann", AS_OF, "approved in Airflow")
    record = register.run(folder, Params(), doors=doors, answer=answer)
    assert record.approval is not None
    assert (record.approval.who, record.approval.at) == ("ann", AS_OF)
    version = doors.registry.versions.get(graph, record.version)
    assert (version.tags["ncnc.approval"], version.tags["ncnc.approved_by"]) == ("person", "ann")
    card = doors.registry.server.client.get_model_version(graph, str(record.version)).description
    assert "Approved by ann on 2026-01-02" in card
    assert folder.get(LineageRecord).sha256 in card
    assert register_run(DecidedRun.of(folder), "", record.approval, doors) == record  # a retry changes nothing
    assert doors.registry.versions.get(graph, record.version) == version
