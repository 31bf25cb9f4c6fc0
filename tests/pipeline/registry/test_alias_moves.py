from __future__ import annotations

import logging
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.errors import InvalidInput
from pipeline.ledger.alias_history import Move, Overtaken, standings
from pipeline.ledger.entries import AliasEntry, AliasObserved, NightEntry, RegistryBound
from pipeline.ledger.registry_agreement import RegistriesDisagree
from pipeline.registry.alias_moves import AliasMoves

AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def client(doors: Doors, graph: str) -> MlflowClient:
    """An MLflow with three versions of the graph's model, as a person with its page has it."""
    client = MlflowClient(doors.environment.tracking_uri)
    client.create_registered_model(graph)
    for _ in range(3):
        client.create_model_version(graph, source="file:///nowhere")
    return client


def by(graph: str, who: str = "ann") -> Move:
    return Move(graph, who, "better", AT)


def moves(doors: Doors, graph: str) -> list[tuple[str, str, int | None, int | None]]:
    return [
        (entry.kind, entry.alias, entry.previous, entry.version)
        for entry in doors.ledger.entries(graph)
        if isinstance(entry, AliasEntry | AliasObserved)
    ]


@pytest.mark.usefixtures("client")
def test_crown_moves_three_aliases_in_one_commit_of_the_ledger(doors: Doors, graph: str) -> None:
    doors.aliases.crown(1, by(graph), instead_of=None)
    made = doors.aliases.crown(2, by(graph), instead_of=1)
    assert doors.registry.aliases.of(graph) == {"challenger": 2, "previous": 1, "champion": 2}
    assert [(entry.alias, entry.version) for entry in made] == [("challenger", 2), ("previous", 1), ("champion", 2)]
    assert doors.aliases.crown(2, by(graph), instead_of=1) == ()  # a retry
    assert doors.aliases.look(graph, who="run a", at=AT) == ()


@pytest.mark.usefixtures("client")
def test_of_two_promotions_at_once_one_wins_and_the_other_says_so(doors: Doors, graph: str, tmp_path: Path) -> None:
    doors.aliases.crown(1, by(graph), instead_of=None)

    def promote(version: int) -> str:
        # A home of its own, so that it has a clone of its own, as a process has.
        values = {**doors.environment.values, "NCNC_HOME": str(tmp_path / f"home{version}")}
        own = Doors(Environment(values), clock=doors.clock)
        try:
            own.aliases.crown(version, by(graph, f"run {version}"), instead_of=1)
        except Overtaken as error:
            return str(error)
        return "won"

    with ThreadPoolExecutor(2) as pool:
        said = dict(zip((2, 3), pool.map(promote, (2, 3)), strict=True))
    winner = next(version for version, text in said.items() if text == "won")
    loser = 5 - winner
    assert f"champion is now version {winner}" in said[loser]
    assert doors.registry.aliases.of(graph) == {"challenger": winner, "previous": 1, "champion": winner}
    assert ("alias", "champion", 1, loser) not in moves(doors, graph)


@pytest.mark.usefixtures("client")
def test_move_cut_off_before_mlflow_is_finished_by_the_next_look_and_is_no_move_without_the_ledger(
    doors: Doors, graph: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors.aliases.crown(1, by(graph), instead_of=None)
    with monkeypatch.context() as patched:
        patched.setattr(AliasMoves, "settle", lambda *_: None)  # killed here
        doors.aliases.crown(2, by(graph), instead_of=1)
    assert doors.registry.aliases.of(graph)["champion"] == 1
    assert doors.aliases.look(graph, who="run b", at=AT) == ()
    assert doors.registry.aliases.of(graph) == {"challenger": 2, "previous": 1, "champion": 2}


def test_alias_moved_behind_the_ledgers_back_is_entered_reported_and_left_there(
    doors: Doors, graph: str, client: MlflowClient, caplog: pytest.LogCaptureFixture
) -> None:
    doors.aliases.crown(1, by(graph), instead_of=None)
    doors.aliases.crown(2, by(graph), instead_of=1)
    client.set_registered_model_alias(graph, "champion", "1")  # as a person does on MLflow's page
    with caplog.at_level(logging.WARNING):
        (found,) = doors.aliases.look(graph, who="run b", at=AT)
    assert (found.alias, found.previous, found.version, found.who) == ("champion", 2, 1, "run b")
    assert f"champion of {graph} was changed in MLflow without the ledger, from version 2 to 1" in caplog.text
    assert doors.registry.aliases.of(graph)["champion"] == 1  # what serves counts
    assert doors.aliases.look(graph, who="run c", at=AT) == ()  # told once
    with pytest.raises(Overtaken, match="champion is now version 1"):
        doors.aliases.crown(3, by(graph), instead_of=2)
    doors.aliases.crown(3, by(graph), instead_of=1)
    assert doors.registry.aliases.of(graph)["champion"] == 3


def test_alias_taken_away_behind_the_ledgers_back_is_seen_too(doors: Doors, graph: str, client: MlflowClient) -> None:
    doors.aliases.crown(1, by(graph), instead_of=None)
    client.delete_registered_model_alias(graph, "champion")
    (found,) = doors.aliases.look(graph, who="run b", at=AT)
    assert (found.previous, found.version) == (1, None)
    assert doors.registry.aliases.of(graph) == {"challenger": 1}


def test_alias_set_by_hand_before_the_first_night_is_seen(doors: Doors, graph: str, client: MlflowClient) -> None:
    client.set_registered_model_alias(graph, "champion", "3")
    doors.aliases.look(graph, who="run a", at=AT)
    assert moves(doors, graph) == [("alias_observed", "champion", None, 3)]


@pytest.mark.usefixtures("client")
def test_alias_can_be_taken_away_and_that_is_written_down(doors: Doors, graph: str) -> None:
    doors.aliases.move("champion", 1, by(graph))
    doors.aliases.move("champion", None, by(graph))
    assert doors.registry.aliases.of(graph) == {}
    assert moves(doors, graph) == [("alias", "champion", None, 1), ("alias", "champion", 1, None)]


def test_ledger_beside_another_mlflow_is_refused_and_says_so(doors: Doors, graph: str) -> None:
    with pytest.raises(InvalidInput, match=r"has no version 1 of .*, so no alias can point at it"):
        doors.aliases.move("champion", 1, by(graph))
    assert doors.ledger.entries(graph) == ()


def test_ledger_that_was_lost_in_part_moves_no_alias_back(
    doors: Doors, graph: str, client: MlflowClient, bare_origin: str
) -> None:
    doors.aliases.crown(1, by(graph), instead_of=None)
    yesterday = git(bare_origin, "rev-parse", "ledger")
    doors.aliases.crown(3, by(graph), instead_of=1)
    git(bare_origin, "update-ref", "refs/heads/ledger", yesterday)  # restored from a backup
    client.delete_registered_model_alias(graph, "previous")  # which MLflow has followed, and the ledger lost
    before = said(doors, client, graph)
    for act in (
        lambda: doors.aliases.look(graph, who="run b", at=AT),
        lambda: doors.aliases.settle(graph),
        lambda: doors.aliases.crown(2, by(graph), instead_of=1),
        lambda: doors.aliases.move("champion", 1, by(graph)),
    ):
        with pytest.raises(RegistriesDisagree, match=r"followed 2 moves of champion, and the ledger has 1.*restored"):
            act()
    assert said(doors, client, graph) == before
    doors.aliases.adopt(by(graph))
    assert doors.aliases.look(graph, who="run b", at=AT) == ()
    assert doors.registry.aliases.of(graph)["champion"] == 3
    assert standings(doors.ledger.entries(graph))["champion"].version == 3


@pytest.mark.usefixtures("client")
def test_ledger_that_lost_entries_about_no_alias_is_seen_too(doors: Doors, graph: str, bare_origin: str) -> None:
    doors.aliases.crown(1, by(graph), instead_of=None)
    yesterday = git(bare_origin, "rev-parse", "ledger")
    doors.ledger.append(night(graph, None))
    doors.aliases.look(graph, who="run b", at=AT)
    git(bare_origin, "update-ref", "refs/heads/ledger", yesterday)
    with pytest.raises(RegistriesDisagree, match=r"followed a ledger of 4 entries, and this one has 3"):
        doors.aliases.look(graph, who="run b", at=AT)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("there", ["nothing", "a model of this name", "a model with versions and a champion"])
def test_another_mlflow_is_no_move_of_an_alias(doors: Doors, other_mlflow: Doors, graph: str, there: str) -> None:
    doors.aliases.crown(1, by(graph), instead_of=None)
    doors.aliases.crown(2, by(graph), instead_of=1)
    other = MlflowClient(other_mlflow.environment.tracking_uri)
    if there != "nothing":
        other.create_registered_model(graph)
    if "versions" in there:
        for _ in range(2):
            other.create_model_version(graph, source="file:///nowhere")
        other.set_registered_model_alias(graph, "champion", "1")
    entries = doors.ledger.entries(graph)
    for act in (
        lambda: other_mlflow.aliases.look(graph, who="a laptop", at=AT),
        lambda: other_mlflow.aliases.settle(graph),
        lambda: other_mlflow.aliases.crown(1, by(graph), instead_of=2),
        lambda: other_mlflow.aliases.move("champion", 1, by(graph)),
    ):
        with pytest.raises(RegistriesDisagree, match=r"ledger belongs to .*Either MLFLOW_TRACKING_URI names another"):
            act()
    assert doors.ledger.entries(graph) == entries
    assert doors.aliases.look(graph, who="run c", at=AT) == ()
    assert doors.registry.aliases.of(graph) == {"challenger": 2, "previous": 1, "champion": 2}


def test_another_data_repository_moves_no_alias_of_this_mlflow(
    doors: Doors, graph: str, client: MlflowClient, tmp_path: Path
) -> None:
    doors.aliases.crown(1, by(graph), instead_of=None)
    doors.aliases.crown(2, by(graph), instead_of=1)
    before = said(doors, client, graph)
    origin = str(tmp_path / "laptop.git")
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", origin], check=True)
    laptop = Doors(Environment({**doors.environment.values, "NCNC_DATA_REPOSITORY": origin}), clock=doors.clock)
    with pytest.raises(RegistriesDisagree, match=r"followed 2 moves of champion, and the ledger has 0.*NCNC_DATA"):
        laptop.aliases.crown(3, by(graph), instead_of=None)
    assert said(doors, client, graph) == before
    assert laptop.ledger.entries(graph) == ()


def test_model_that_was_deleted_and_made_anew_is_not_the_old_one(
    doors: Doors, graph: str, client: MlflowClient
) -> None:
    doors.aliases.crown(1, by(graph), instead_of=None)
    client.delete_registered_model(graph)
    with pytest.raises(RegistriesDisagree, match=r"has no registered model .*or the registered model was deleted"):
        doors.aliases.look(graph, who="run b", at=AT)
    client.create_registered_model(graph)
    client.create_model_version(graph, source="file:///nowhere")
    with pytest.raises(RegistriesDisagree, match=r"registered model of this graph was made on .*ledger belongs to"):
        doors.aliases.crown(1, by(graph), instead_of=1)
    bound, *moves = doors.aliases.adopt(by(graph))
    assert isinstance(bound, RegistryBound)
    assert bound.lost == (1,)
    assert [(move.alias, move.version) for move in moves] == [("champion", None), ("challenger", None)]
    with pytest.raises(InvalidInput, match=r"Version 1 .* is not the one that the ledger knows by this number"):
        doors.aliases.move("champion", 1, by(graph))
    client.create_model_version(graph, source="file:///nowhere")
    doors.aliases.crown(2, by(graph), instead_of=None)
    assert doors.registry.aliases.of(graph) == {"challenger": 2, "champion": 2}


def test_registry_that_lost_the_champion_is_adopted_as_it_serves(
    doors: Doors, graph: str, client: MlflowClient
) -> None:
    doors.aliases.crown(1, by(graph), instead_of=None)
    doors.aliases.crown(3, by(graph), instead_of=1)
    client.delete_model_version(graph, "3")
    client.set_registered_model_alias(graph, "champion", "1")
    client.set_registered_model_tag(graph, "ncnc.settled.champion", "1")  # as MLflow was yesterday
    with pytest.raises(RegistriesDisagree, match=r"version 3 by the ledger, and MLflow does not.*Version 1 is served"):
        doors.aliases.look(graph, who="run b", at=AT)
    doors.aliases.adopt(by(graph))
    assert doors.aliases.look(graph, who="run b", at=AT) == ()
    assert doors.registry.aliases.of(graph)["champion"] == 1
    assert doors.aliases.crown(2, by(graph), instead_of=1)


def test_version_that_only_a_former_alias_points_at_may_be_missing(
    doors: Doors, graph: str, client: MlflowClient, caplog: pytest.LogCaptureFixture
) -> None:
    doors.aliases.crown(1, by(graph), instead_of=None)
    doors.aliases.crown(3, by(graph), instead_of=1)
    doors.aliases.crown(1, by(graph), instead_of=3, challenger=False)
    client.delete_model_version(graph, "3")
    client.delete_registered_model_tag(graph, "ncnc.settled.previous")
    doors.aliases.look(graph, who="run b", at=AT)
    assert doors.registry.aliases.of(graph)["champion"] == 1


@pytest.mark.usefixtures("client")
def test_ledger_of_before_bindings_is_bound_to_the_registry_that_it_agrees_with(doors: Doors, graph: str) -> None:
    for entry in (
        AliasEntry(graph=graph, alias="champion", version=1, previous=None, at=AT, who="ann", why="better"),
        night(graph, 1),
    ):
        doors.ledger.append(entry)
    with pytest.raises(RegistriesDisagree, match=r"does not have the champion that the ledger tells of"):
        doors.aliases.look(graph, who="run b", at=AT)  # its version 1 has another run key
    client = MlflowClient(doors.environment.tracking_uri)
    client.set_model_version_tag(graph, "1", "ncnc.run_key", "3" * 64)
    doors.aliases.look(graph, who="run b", at=AT)
    doors.aliases.look(graph, who="run c", at=AT)
    (bound,) = [entry for entry in doors.ledger.entries(graph) if isinstance(entry, RegistryBound)]
    assert (bound.who, bound.where) == ("run b", doors.environment.tracking_uri)


def test_alias_at_a_version_of_another_run_is_no_move(doors: Doors, graph: str, client: MlflowClient) -> None:
    client.set_model_version_tag(graph, "1", "ncnc.run_key", "3" * 64)
    doors.aliases.crown(1, by(graph), instead_of=None)
    doors.ledger.append(night(graph, 1))
    client.set_model_version_tag(graph, "1", "ncnc.run_key", "9" * 64)
    with pytest.raises(RegistriesDisagree, match=r"champion points at a version 1 that is not the ledger's version 1"):
        doors.aliases.look(graph, who="run b", at=AT)


def night(graph: str, version: int | None) -> NightEntry:
    return NightEntry(
        graph=graph, run_name=f"{graph}-{version}", as_of=AT, at=AT, outcome="promoted", reason="better",
        completed=True, run_key="3" * 64, version=version,
    )  # fmt: skip


def git(repository: str, *arguments: str) -> str:
    answer = subprocess.run(["git", "-C", repository, *arguments], capture_output=True, text=True, check=True)
    return answer.stdout.strip()


def said(doors: Doors, client: MlflowClient, graph: str) -> tuple[object, ...]:
    """What both sides say: nothing of it may change where they disagree."""
    model = client.get_registered_model(graph)
    return doors.ledger.entries(graph), model.aliases, model.tags
