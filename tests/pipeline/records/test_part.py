from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from pipeline.ledger.entries import NightEntry
from pipeline.records.part import Part


class Count(Part):
    value: int


def test_a_part_is_closed_to_unknown_fields() -> None:
    with pytest.raises(ValidationError, match="vlaue"):
        Count.model_validate({"value": 1, "vlaue": 2})


def test_a_part_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Count(value=1).value = 2  # type: ignore[misc]


NIGHT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("name", ["", "Demo", "a/b", "a:b", "a b"])  # a colon or a space is no valid git ref
def test_a_graphs_name_must_fit_into_a_tag(name: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        NightEntry(graph=name, run_name="x", as_of=NIGHT, at=NIGHT, outcome="kept", reason="", completed=True)
