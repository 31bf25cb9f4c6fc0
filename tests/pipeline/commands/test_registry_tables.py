from __future__ import annotations

from datetime import UTC, datetime

from rich.table import Table

from pipeline.collection.registry import RegistryPlan
from pipeline.collection.retention import RegistryPolicy, Verdict
from pipeline.commands.registry_tables import awaiting_table, collection_table, story_table, versions_table
from pipeline.ledger.alias_history import Standing
from pipeline.ledger.entries import NightEntry
from pipeline.ledger.story import Event
from pipeline.registry.facts import RegisteredVersion
from pipeline.terminal import Terminal

AT = datetime(2026, 1, 2, 3, tzinfo=UTC)


def shown(table: Table) -> str:
    console = Terminal(width=200)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_story_has_a_row_an_event_and_what_a_person_typed_is_no_markup() -> None:
    event = Event(AT, "rollback", "back to version 1, from version 2", "ann", "[red]slow[/red]", 1)
    text = shown(story_table("demo", [event]))
    for said in ("the story of demo", "2026-01-02 03:00", "back to version 1", "ann", "[red]slow[/red]"):
        assert said in text


def test_a_long_reason_is_told_by_its_beginning() -> None:
    long = "edges.parquet is refused: " + "mend it. " * 40
    text = shown(story_table("demo", [Event(AT, "refused", "night: refused", "run demo-2", long, 1)]))
    assert "edges.parquet is refused" in text
    assert text.count("mend") < 26
    assert "..." in text


def test_versions_are_newest_first_with_both_accounts_of_the_aliases() -> None:
    versions = [
        RegisteredVersion(1, AT, ("champion",), "demo-1", "ann"),
        RegisteredVersion(2, AT, (), None),
    ]
    text = shown(versions_table("demo", versions, {"champion": Standing(2, 1, 2)}, [1, 2]))
    assert text.index("not made by this pipeline") < text.index("demo-1")
    assert text.count("champion") >= 3  # MLflow's, the ledger's, and the column's name
    assert "ann" in text


def test_awaiting_runs_are_listed() -> None:
    night = NightEntry(
        graph="demo", run_name="demo-1", as_of=AT, at=AT, outcome="awaiting", reason="awaits a person", completed=True
    )
    assert "awaits a person" in shown(awaiting_table([night]))


def test_collection_says_what_goes_and_why_the_rest_stays() -> None:
    plan = RegistryPlan(
        policy=RegistryPolicy(),
        versions={1: Verdict("version 1", ("was champion",)), 2: Verdict("version 2", ())},
        checkpoints={},
        folders={},
        models={"a": Verdict("trained model of demo-1", ())},
        run_names={},
        num_bytes=2_000_000,
    )
    text = " ".join(shown(collection_table(plan)).split())
    for said in ("keep-versions 30", "2.0 MB", "was champion", "nothing keeps it", "trained model of demo-1"):
        assert said in text
