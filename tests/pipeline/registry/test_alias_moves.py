from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.errors import InvalidInput
from pipeline.ledger.alias_history import Move, Overtaken
from pipeline.ledger.entries import AliasEntry, AliasObserved
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
    with pytest.raises(InvalidInput, match=r"at version 1, but .* no such version\. Set MLFLOW_TRACKING"):
        doors.aliases.move("champion", 1, by(graph))
