"""`ncnc status` and `ncnc report`, as a person and the DAG run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

from pipeline.cli import app
from pipeline.ledger.entries import NightEntry, NightOutcome
from pipeline.ledger.night import broken_off_night
from tests.fixtures.house import FIRST_NIGHT, House


def test_a_night_that_left_nothing_gets_a_page_and_its_line_says_where(house: House) -> None:
    code, line = house.call("report", "--run-dir", str(house.run_dir(1)))
    assert code == 0
    assert list(line) == [
        "run", "outcome", "report", "copy", "link", "tag", "summary", "index", "index_link", "needs",
    ]  # fmt: skip
    assert (line["outcome"], line["tag"], line["needs"]) == ("unfinished", None, [])
    assert "All nights of small" in Path(str(line["index"])).read_text()
    assert "Not finished" in Path(str(line["report"])).read_text()


def test_a_reason_that_looks_like_markup_or_holds_escape_sequences_is_shown_as_it_is(house: House) -> None:
    reason = "no column 'source'; its columns are [/b], \x1b]0;owned\x07"
    as_of = house.as_of(1)
    entry = broken_off_night("small", "small-20260101T030000Z", as_of, "refused", reason, at=as_of)
    house.doors.ledger.append(entry)
    result = house.runner.invoke(app, ["status", "--graph", "small"], env=house.values)
    assert result.exit_code == 0
    shown = result.stderr
    assert "[/b]" in shown
    assert r"\x1b]0;owned\x07" in shown
    assert "\x1b" not in shown


def enter(house: House, night: int, outcome: NightOutcome) -> None:
    entry = NightEntry(
        graph=house.graph, run_name=house.run_dir(night).name, as_of=house.as_of(night), at=FIRST_NIGHT,
        outcome=outcome, reason=f"because of {night}", completed=outcome in ("awaiting", "rejected", "kept"),
    )  # fmt: skip
    house.doors.ledger.append(entry)


def test_status_counts_a_night_once_whatever_was_entered_about_it(house: House) -> None:
    for outcome in ("awaiting", "rejected"):
        enter(house, 1, outcome)
    enter(house, 2, "kept")
    for outcome in ("refused", "kept"):  # mended by day, and run again after the next night
        enter(house, 1, outcome)
    result = house.runner.invoke(app, ["status", "--graph", house.graph], env=house.values)
    assert json.loads(result.stdout.splitlines()[-1])["nights"] == 2
    rows = [line for line in result.stderr.splitlines() if house.graph in line and "because" in line]
    assert [[outcome for outcome in get_args(NightOutcome) if outcome in row] for row in rows] == [["kept"], ["kept"]]
    assert house.run_dir(1).name in rows[0]


def test_a_night_that_is_over_without_an_outcome_is_entered_and_its_page_says_so(house: House) -> None:
    argv = ["report", "--run-dir", str(house.run_dir(1)), "--ended", "--why=snapshot waits: no file"]
    code, line = house.call(*argv)
    assert (code, line["outcome"]) == (0, "failed")
    assert [(entry.outcome, entry.reason) for entry in house.entries()] == [("failed", "snapshot waits: no file")]
    assert line["needs"] == [
        {
            "kind": "failed",
            "what": "The night of 2026-01-01 03:00 failed: snapshot waits: no file.",
            "advice": "The reason names the remedy. Then clear the night's first task that failed.",
            "command": "",
            "night": house.run_dir(1).name,
            "urgent": True,
        }
    ]
    page = Path(str(line["report"])).read_text()
    assert "Failed: no step left a record." in page
    assert "snapshot waits: no file" in page


def test_status_says_what_needs_a_person_and_where_the_index_of_all_nights_is(house: House) -> None:
    enter(house, 1, "refused")
    result = house.runner.invoke(app, ["status", "--graph", house.graph], env=house.values)
    assert "all nights: no page yet; ncnc report makes it" in result.stderr
    _, made = house.call("report", "--run-dir", str(house.run_dir(1)))
    result = house.runner.invoke(app, ["status", "--graph", house.graph], env=house.values)
    line = json.loads(result.stdout.splitlines()[-1])
    assert (line["index"], line["needs"]) == (made["index"], ["refused"])
    shown = " ".join(result.stderr.split())
    assert "The night of 2026-01-01 03:00 was refused: because of 1. The reason names the remedy." in shown
    assert Path(str(line["index"])).name == "small.html"
