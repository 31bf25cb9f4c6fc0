from __future__ import annotations

import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import NewerFormat
from pipeline.records.format import Damaged, Written, entry_of


class Night(Written):
    """Format 3: format 2 counted hours, and format 1 had no `who`."""

    FORMAT = 3
    UPGRADES = {  # noqa: RUF012
        1: lambda content: content | {"who": "not recorded"},
        2: lambda content: {"minutes": content["hours"] * 60, "who": content["who"], "kind": content["kind"]},
    }

    kind: Literal["night"] = "night"
    minutes: float
    who: str


KINDS: dict[str, type[Written]] = {"night": Night}


@pytest.mark.parametrize(
    "line",
    [
        '{"kind":"night","hours":2}',
        '{"format":2,"kind":"night","hours":2,"who":"not recorded"}',
        '{"format":3,"kind":"night","minutes":120,"who":"not recorded"}',
    ],
)
def test_every_format_ever_written_is_read(line: str) -> None:
    assert entry_of(line, KINDS, "the line") == Night(minutes=120, who="not recorded")


@given(st.floats(allow_nan=False, allow_infinity=False), st.text())
def test_what_is_written_reads_back_with_its_number_first(minutes: float, who: str) -> None:
    night = Night(minutes=minutes, who=who)
    for indent in (None, 2):
        text = night.as_written(indent)
        assert Night.of_text(text, "the line") == night
        assert next(iter(json.loads(text).items())) == ("format", 3)
    assert "\n" not in night.as_written()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"format":4,"kind":"night"}', r"the line is in format 4, .* formats up to 3\. .*upgrade this one"),
        ('{"format":1,"kind":"pin"}', r"the line is an entry of kind 'pin', .* knows night\. .*upgrade this one"),
    ],
)
def test_what_a_newer_version_wrote_asks_for_an_upgrade(line: str, says: str) -> None:
    with pytest.raises(NewerFormat, match=says):
        entry_of(line, KINDS, "the line")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "Invalid JSON"),
        ("3", "an object is expected, not a int"),
        ('{"format":"3","kind":"night"}', "'3' is not a format number"),
        ('{"hours":2}', "kind: None is not a kind"),
        ('{"format":3,"kind":"night","minutes":1}', "who: Field required"),
        ('{"format":3,"kind":"night","minutes":1,"who":"a","more":1}', "more: Extra inputs"),
        ('{"format":2,"kind":"night","minutes":1}', "'hours' is missing"),
    ],
)
def test_a_damaged_line_says_what_is_wrong(line: str, says: str) -> None:
    with pytest.raises(Damaged, match=says):
        entry_of(line, KINDS, "the line")
