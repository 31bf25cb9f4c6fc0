import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import NewerFormat, TamperedRecord
from pipeline.ledger.chained_lines import appended
from pipeline.ledger.entries import AliasEntry, Entry, NightEntry, NightOutcome
from pipeline.ledger.ledger import Ledger
from pipeline.origin.git import GitOrigin

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    bare = tmp_path / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
    return Ledger(str(bare), tmp_path / "home")


def night(
    run_name: str = "demo-1",
    outcome: NightOutcome = "kept",
    reason: str = "no gain",
    completed: bool = True,
    hour: int = 1,
) -> NightEntry:
    at = datetime(2026, 1, 2, hour, tzinfo=UTC)
    return NightEntry(
        graph="demo", run_name=run_name, as_of=AS_OF, at=at, outcome=outcome, reason=reason, completed=completed
    )


def alias(version: int) -> AliasEntry:
    return AliasEntry(
        graph="demo", alias="champion", version=version, previous=None, at=AS_OF, who="gate", why="beats the floor"
    )


def test_ledger_without_a_branch_is_empty(ledger: Ledger) -> None:
    assert ledger.entries("demo") == ()
    assert ledger.last_completed("demo") is None


def test_entries_come_back_in_order_by_graph(ledger: Ledger) -> None:
    other = night().model_copy(update={"graph": "other"})
    for entry in (night(), other, alias(1), night("demo-2", "promoted")):
        ledger.append(entry)
    assert ledger.entries("demo") == (night(), alias(1), night("demo-2", "promoted"))
    assert ledger.entries("other") == (other,)


def test_entry_is_one_commit(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append(night())
    ledger.append(alias(1))
    log = subprocess.run(
        ["git", "-C", str(tmp_path / "origin.git"), "log", "--format=%s", "ledger"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert log.stdout.splitlines() == ["demo: champion None -> 1", "demo: night demo-1 kept"]


def test_retried_entry_is_not_appended_twice(ledger: Ledger) -> None:
    for entry in (night(), alias(1), night(hour=2), alias(1)):
        ledger.append(entry)
    assert ledger.entries("demo") == (night(), alias(1))


def test_night_that_ends_otherwise_at_its_second_run_is_appended(ledger: Ledger) -> None:
    for outcome in ("refused", "kept", "refused"):
        ledger.append(night(outcome=outcome))
    assert [entry.outcome for entry in ledger.entries("demo") if isinstance(entry, NightEntry)] == [
        "refused",
        "kept",
        "refused",
    ]


def test_concurrent_appends_lose_nothing(ledger: Ledger, tmp_path: Path) -> None:
    # A home each, so that each has a clone of its own, as processes have.
    writers = [Ledger(str(tmp_path / "origin.git"), tmp_path / f"home{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: writers[number].append(night(f"demo-{number}")), range(6)))
    assert sorted(entry.run_name for entry in ledger.entries("demo") if isinstance(entry, NightEntry)) == [
        f"demo-{number}" for number in range(6)
    ]


def test_last_completed_night_passes_over_failures_and_alias_moves(ledger: Ledger) -> None:
    for entry in (night("demo-1"), night("demo-2", "refused", "truncated", completed=False), alias(1)):
        ledger.append(entry)
    last = ledger.last_completed("demo")
    assert last is not None
    assert last.run_name == "demo-1"


def test_the_latest_night_is_the_last_also_where_an_earlier_one_is_promoted_after_it(ledger: Ledger) -> None:
    first, second = night("demo-1"), night("demo-2")
    second = second.model_copy(update={"as_of": first.as_of + timedelta(days=1)})
    for entry in (first, second, first.model_copy(update={"outcome": "promoted", "version": 2})):
        ledger.append(entry)
    last = ledger.last_completed("demo")
    assert last is not None
    assert last.run_name == "demo-2"


def rewrite(tmp_path: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Change the lines of the ledger by a commit on top of it, as whoever may push can."""
    with GitOrigin(str(tmp_path / "origin.git"), tmp_path).clone() as clone:
        clone.fetch_branch("ledger")
        path = clone.path / "demo.jsonl"
        path.write_text("".join(f"{line}\n" for line in change(path.read_text().splitlines() if path.exists() else [])))
        clone.commit("Tamper", "demo.jsonl")
        clone.push("HEAD:refs/heads/ledger")


def enter(line: str, tmp_path: Path) -> None:
    rewrite(tmp_path, lambda lines: [*lines, line])


def test_entry_changed_by_hand_is_named_by_its_line(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append(night())
    enter('{"kind": "night"}', tmp_path)
    says = r"Line 2 of the ledger's demo\.jsonl is no entry(.|\n)*git update-ref refs/heads/ledger COMMIT"
    with pytest.raises(TamperedRecord, match=says):
        ledger.entries("demo")


@pytest.mark.parametrize("line", ['{"format": 9, "kind": "night"}', '{"format": 2, "kind": "pinned"}'])
def test_entry_of_a_newer_version_asks_for_an_upgrade_and_never_to_revert_a_commit(
    ledger: Ledger, tmp_path: Path, line: str
) -> None:
    ledger.append(night())
    enter(line, tmp_path)
    says = r"Line 2 of the ledger's demo\.jsonl is .*newer version: upgrade this one"
    with pytest.raises(NewerFormat, match=says) as told:
        ledger.entries("demo")
    assert "evert" not in str(told.value)


def test_entries_of_2026_11_and_of_today_stand_side_by_side(ledger: Ledger, tmp_path: Path) -> None:
    enter(night().model_dump_json(), tmp_path)  # as the code of 2026-11 wrote it: without a number
    ledger.append(alias(1))
    assert ledger.entries("demo") == (night(), alias(1))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda lines: [lines[0].replace("no gain", "a gain"), *lines[1:]],
            r"line 2 was written below lines with sha256",
        ),
        (lambda lines: lines[1:], "line 1 was written below other lines, and none stands above it now"),
        (lambda lines: [lines[0], lines[2]], r"line 2 was written below lines with sha256"),
    ],
)
def test_neither_reads_nor_writes_go_on_after_an_earlier_line_was_changed(
    ledger: Ledger, tmp_path: Path, change: Callable[[list[str]], list[str]], says: str
) -> None:
    for entry in (night(), alias(1), night("demo-2")):
        ledger.append(entry)
    rewrite(tmp_path, change)
    with pytest.raises(
        TamperedRecord, match=rf"changed or removed: {says}(.|\n)*git update-ref refs/heads/ledger COMMIT"
    ):
        ledger.entries("demo")
    with pytest.raises(TamperedRecord, match=says):
        ledger.append(night("demo-3"))


def test_entries_of_one_change_are_appended_together_or_not_at_all(ledger: Ledger, tmp_path: Path) -> None:
    def refuse(_: object) -> tuple[AliasEntry, ...]:
        raise ValueError("no")

    assert ledger.append_made("demo", lambda _: (night(), alias(1))) == (night(), alias(1))
    with pytest.raises(ValueError, match="no"):
        ledger.append_made("demo", refuse)
    assert ledger.append_made("demo", lambda _: ()) == ()
    assert ledger.entries("demo") == (night(), alias(1))
    log = ["git", "-C", str(tmp_path / "origin.git"), "log", "--format=%s", "ledger"]
    assert subprocess.run(log, capture_output=True, text=True, check=True).stdout.splitlines() == [
        "demo: champion None -> 1"
    ]


def test_entry_is_made_anew_for_a_ledger_that_moved_meanwhile(ledger: Ledger) -> None:
    seen = []

    def made(entries: tuple[Entry, ...]) -> tuple[AliasEntry, ...]:
        seen.append(len(entries))
        if len(seen) == 1:
            ledger.append(night())  # another writer, between the read and the push
        return (alias(1),)

    ledger.append_made("demo", made)
    assert seen == [0, 1]
    assert ledger.entries("demo") == (night(), alias(1))


def test_nothing_is_appended_to_a_line_that_lost_its_end(ledger: Ledger, tmp_path: Path) -> None:
    ledger.append(night())
    with GitOrigin(str(tmp_path / "origin.git"), tmp_path).clone() as clone:
        clone.fetch_branch("ledger")
        path = clone.path / "demo.jsonl"
        path.write_text(path.read_text().removesuffix("\n"))  # as some editors save a file
        clone.commit("Tamper", "demo.jsonl")
        clone.push("HEAD:refs/heads/ledger")
    for go_on in (lambda: ledger.append(alias(1)), lambda: ledger.entries("demo")):
        with pytest.raises(TamperedRecord, match=r"Line 1 of the ledger's demo\.jsonl has no end\. (.|\n)*update-ref"):
            go_on()


def test_reason_with_a_line_separator_is_one_entry(ledger: Ledger) -> None:
    entry = night(reason="two\u2028lines\x85and\nmore")
    ledger.append(entry)
    assert ledger.entries("demo") == (entry,)


def test_ledger_that_only_grew_is_whole(ledger: Ledger) -> None:
    ledger.expect_whole("demo")  # there is no branch yet
    for entry in (night(), alias(1), night().model_copy(update={"graph": "other"}), night("demo-2")):
        ledger.append(entry)
    ledger.expect_whole("demo")
    ledger.expect_whole("none-of-it")


@pytest.mark.parametrize("then", ["nothing", "an entry"])
def test_lines_that_a_commit_dropped_at_the_end_are_missed(ledger: Ledger, tmp_path: Path, then: str) -> None:
    for entry in (night(), alias(1), night("demo-2")):
        ledger.append(entry)
    rewrite(tmp_path, lambda lines: lines[:-2])
    if then == "an entry":
        ledger.append(night("demo-3"))
    assert ledger.entries("demo")[0] == night()  # the lines that are left follow one another
    says = r"are lost: commit \w{40} of branch ledger has 3 lines, of which today's file has the first 1 .*update-ref"
    with pytest.raises(TamperedRecord, match=says):
        ledger.expect_whole("demo")


def test_whole_ledger_written_anew_with_links_that_hold_is_missed(ledger: Ledger, tmp_path: Path) -> None:
    for entry in (night(), alias(1)):
        ledger.append(entry)
    rewrite(tmp_path, lambda _: appended("", [night(reason="a gain"), alias(1)]).splitlines())
    assert len(ledger.entries("demo")) == 2
    with pytest.raises(TamperedRecord, match="has 2 lines, of which today's file has the first 0"):
        ledger.expect_whole("demo")


def test_history_hidden_behind_a_merge_is_missed(ledger: Ledger, tmp_path: Path) -> None:
    for entry in (night(), alias(1)):
        ledger.append(entry)
    with GitOrigin(str(tmp_path / "origin.git"), tmp_path).clone() as clone:
        tip = clone.fetch_history("ledger")
        assert tip is not None
        forged = clone.commit_files("Start", {"demo.jsonl": appended("", [night()])}, onto=None)
        tree = clone.git("rev-parse", f"{forged}^{{tree}}").strip()
        merged = clone.git("commit-tree", tree, "-p", forged, "-p", tip, stdin="Merge").strip()
        assert clone.push(f"{merged}:refs/heads/ledger")  # a fast-forward
    assert ledger.entries("demo") == (night(),)
    with pytest.raises(TamperedRecord, match="has 2 lines, of which today's file has the first 1"):
        ledger.expect_whole("demo")
