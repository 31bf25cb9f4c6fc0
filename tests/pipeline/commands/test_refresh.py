"""`ncnc refresh`, and the refresh that follows what a person decides."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.commands import refresh as commands
from pipeline.errors import InvalidInput, StepError
from pipeline.ledger.entries import GraphRefreshed
from pipeline.refreshes import refresh as refreshing
from tests.fixtures.kept_nights import KeptNights


def call(nights: KeptNights, *argv: str) -> tuple[int, dict[str, object]]:
    result = CliRunner().invoke(app, list(argv), standalone_mode=False, env=dict(nights.doors.environment.values))
    ended = result.return_value or result.exit_code
    code = result.exception.exit_code if isinstance(result.exception, StepError) else ended
    if result.exception is not None and not isinstance(result.exception, StepError):
        raise result.exception
    lines = result.stdout.strip().splitlines()
    return code, json.loads(lines[-1]) if lines else {}


def refreshed(nights: KeptNights) -> list[tuple[int, int, str]]:
    entries = nights.doors.ledger.entries(nights.graph)
    return [(item.version, item.weights_of, item.who) for item in entries if isinstance(item, GraphRefreshed)]


def test_graph_is_refreshed_by_hand_in_a_persons_name(nights: KeptNights) -> None:
    nights.promoted(1)
    nights.ended(2, "kept")
    code, line = call(nights, "refresh", "--graph", nights.graph, "--reason", "after the repair", "--who", "ann")
    assert code == 0
    assert (line["served"], line["weights_of"], line["graph_as_of"]) == (2, 1, "2026-01-03T00:00:00+00:00")
    assert refreshed(nights) == [(2, 1, "ann")]
    assert call(nights, "refresh", "--graph", nights.graph, "--reason", "again")[0] == 99


def test_night_prints_which_version_serves_also_where_there_was_nothing_to_do(nights: KeptNights) -> None:
    nights.promoted(1)
    folder = nights.ended(2, "kept")
    code, line = call(nights, "refresh", "--run-dir", str(folder.path))
    assert (code, line["served"], line["record"]) == (0, 2, "graph_refresh.json")
    code, line = call(nights, "refresh", "--run-dir", str(folder.path.with_name(f"{nights.graph}-20260109T000000Z")))
    assert (code, line["served"]) == (99, 2)


@pytest.mark.parametrize("argv", [[], ["--run-dir", "runs/demo-x", "--graph", "demo"]])
def test_either_a_run_or_a_graph_is_named(nights: KeptNights, argv: list[str]) -> None:
    assert call(nights, "refresh", *argv)[0] == 2


def test_refresh_by_hand_asks_for_a_reason(nights: KeptNights) -> None:
    with pytest.raises(InvalidInput, match="Say in a few words why"):
        CliRunner().invoke(app, ["refresh", "--graph", "demo"], standalone_mode=False, catch_exceptions=False)


@pytest.mark.slow
def test_weights_that_a_person_goes_back_to_get_the_newest_graph(nights: KeptNights) -> None:
    nights.promoted(1)
    nights.promoted(2, champion=1)
    nights.ended(3, "kept", champion=2)
    call(nights, "refresh", "--graph", nights.graph, "--reason", "kept", "--who", "run x")
    code, line = call(
        nights, "rollback", "--graph", nights.graph, "--to", "1", "--reason", "complaints", "--who", "ann"
    )
    assert (code, line) == (0, {"graph": nights.graph, "champion": 1, "previous": 2, "served": 4})
    assert refreshed(nights) == [(3, 2, "run x"), (4, 1, "ann")]
    aliases = nights.doors.registry.aliases.of(nights.graph)
    assert (aliases["champion"], aliases["previous"]) == (4, 2)  # the weights that were wrong, and not their refresh
    again = call(nights, "rollback", "--graph", nights.graph, "--to", "1", "--reason", "complaints", "--who", "ann")
    assert again == (code, line)
    code, line = call(nights, "rollback", "--graph", nights.graph, "--to", "3", "--reason", "a refresh is no weights")
    assert code == 2


@pytest.mark.slow
def test_promotion_by_hand_of_an_earlier_night_gets_the_newest_graph(nights: KeptNights) -> None:
    nights.promoted(1)
    earlier = nights.decided(2, promote=True, champion=1)
    nights.ended(3, "kept")
    call(nights, "refresh", "--graph", nights.graph, "--reason", "kept")
    code, line = call(nights, "promote", "--run-dir", str(earlier.path), "--reason", "better", "--who", "ann")
    assert (code, line["champion"], line["served"]) == (0, 3, 4)
    aliases = nights.doors.registry.aliases.of(nights.graph)
    assert (aliases["champion"], aliases["previous"], aliases["challenger"]) == (4, 1, 3)


def test_graph_before_a_retracted_one_is_served_again(nights: KeptNights) -> None:
    nights.promoted(1)
    nights.ended(2, "kept")
    nights.ended(3, "kept")
    call(nights, "refresh", "--graph", nights.graph, "--reason", "kept")
    code, line = call(nights, "snapshots", "retract", nights.tags[-1], "--reason", "wrong file")
    assert (code, line["served"]) == (0, 3)
    champion = nights.doors.registry.versions.champion(nights.graph)
    assert champion is not None
    assert champion.snapshot_tag == nights.tags[-2]


def test_rollback_stands_where_the_refresh_is_refused(
    nights: KeptNights, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nights.promoted(1)
    nights.promoted(2, champion=1)

    def refused(*given: object, **named: object) -> None:
        raise refreshing.RefusedRefresh("it collapsed")

    monkeypatch.setattr(refreshing, "refresh", refused)
    code, line = call(nights, "rollback", "--graph", nights.graph, "--to", "1", "--reason", "complaints")
    assert (code, line["served"]) == (0, 1)
    assert "the newest graph is not served after: rolled back to version 1. it collapsed" in caplog.text


def test_thresholds_come_from_the_file_or_are_the_defaults(nights: KeptNights) -> None:
    path = nights.place / "params.yaml"
    assert commands.refresh_params(path).maximum_loss == 0.1
    path.write_text("refresh: {maximum_loss: 0.3}")
    assert commands.refresh_params(path).maximum_loss == 0.3


def test_status_and_show_tell_the_age_of_the_weights_from_that_of_the_graph(nights: KeptNights) -> None:
    nights.promoted(1)
    nights.ended(2, "kept")
    call(nights, "refresh", "--graph", nights.graph, "--reason", "kept")
    result = CliRunner().invoke(app, ["status", "--graph", nights.graph], env=dict(nights.doors.environment.values))
    words = "version 2: weights of version 1 (night of 2026-01-02 00:00), graph of 2026-01-03 00:00"
    assert words in " ".join(result.stderr.split())
    line = json.loads(result.stdout.splitlines()[-1])
    assert (line["champion"], line["weights_of"]) == (2, 1)
    assert line["age_days"] == line["graph_age_days"] + 1
    _, line = call(nights, "registry", "show", "--graph", nights.graph)
    assert line["weights"] == {"1": 1, "2": 1}
