from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest

from pipeline.ledger.chained_lines import appended, broken_link, lines_of
from pipeline.ledger.entries import Entry, NightEntry, read_entry

AT = datetime(2026, 1, 2, tzinfo=UTC)


def night(number: int, reason: str = "no gain") -> NightEntry:
    name = f"demo-{number}"
    return NightEntry(graph="demo", run_name=name, as_of=AT, at=AT, outcome="kept", reason=reason, completed=True)


def older(entry: Entry) -> str:
    """A line as format 2 wrote it."""
    return entry.as_written().replace(f'"format":{entry.FORMAT}', '"format":2')


def test_each_line_names_the_bytes_above_it_whether_appended_together_or_one_by_one() -> None:
    entries = [night(1), night(2, "two\u2028lines"), night(3)]
    text = appended("", entries)
    assert text == appended(appended("", entries[:1]), entries[1:])
    first, second, third = lines_of(text)
    assert "after" not in json.loads(first)
    for line, above in ((second, f"{first}\n"), (third, f"{first}\n{second}\n")):
        assert json.loads(line)["after"] == hashlib.sha256(above.encode()).hexdigest()
    assert broken_link(lines_of(text)) is None


def test_what_stands_above_a_line_is_no_part_of_the_entry() -> None:
    entries = [night(1), night(2)]
    assert [read_entry(line, "the line") for line in lines_of(appended("", entries))] == entries


def test_lines_of_earlier_formats_are_covered_from_the_first_line_of_today_on() -> None:
    text = f"{older(night(1))}\n{older(night(2))}\n"
    assert broken_link(lines_of(text)) is None
    first, second, third = lines_of(appended(text, [night(3)]))
    assert broken_link([first, second, third]) is None
    for changed in ([second, third], [first, third], [second, first, third], [first, older(night(2, "gain")), third]):
        assert "sha256" in (broken_link(changed) or "")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda a, b, c: [a.replace("no gain", "a gain"), b, c], "line 2 was written below lines with sha256 "),
        (lambda a, b, c: [a, c], "line 2 was written below lines with sha256 "),
        (lambda a, b, c: [b, c], "line 1 was written below other lines, and none stands above it now"),
        (lambda a, b, c: [a, older(night(9)), b, c], "line 2 does not name the lines above it"),
        (lambda a, b, c: [a, b, c, older(night(9))], "line 4 does not name the lines above it"),
        (lambda a, b, c: [a, b, c, night(9).as_written()], "line 4 does not name the lines above it"),
    ],
)
def test_first_line_that_does_not_follow_is_named(change: object, says: str) -> None:
    lines = lines_of(appended("", [night(1), night(2), night(3)]))
    assert callable(change)
    assert (broken_link(change(*lines)) or "").startswith(says)
