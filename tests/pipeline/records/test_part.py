from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipeline.records.part import Part


class Count(Part):
    value: int


def test_a_part_is_closed_to_unknown_fields() -> None:
    with pytest.raises(ValidationError, match="vlaue"):
        Count.model_validate({"value": 1, "vlaue": 2})


def test_a_part_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Count(value=1).value = 2  # type: ignore[misc]
