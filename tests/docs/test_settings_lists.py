from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field
from settings_lists import settings_list, yaml_comments


class Small(BaseModel):
    kind: Literal["one", "two"] = "one"
    share: float | None = Field(default=None, gt=0, le=1)  # of the edges
    # Written above the field,
    # in two lines.
    names: tuple[str, ...] = ()


FILE = """
first:
  share: 0.5   # another section's
second:
  kind: one    # one: a | b
               # and two
  inner:
    share: 0.1 # of the inner section
"""


def test_a_field_has_its_values_its_default_and_the_comment_in_the_source() -> None:
    assert settings_list(Small, {}).split("\n\n`") == [
        "`kind`\n: `one`, `two`; default `one`",
        "share`\n: number or `null`, > 0, ≤ 1; default `null`\n\n  of the edges",
        "names`\n: list of text; default `[]`\n\n  Written above the field, in two lines.",
    ]


def test_the_comment_in_the_file_comes_before_that_in_the_source() -> None:
    kind, share, _ = settings_list(Small, yaml_comments(FILE, "second")).split("\n\n`")
    assert kind.endswith("default `one`\n\n  one: a | b and two")
    assert share.endswith("\n\n  of the edges")  # the other section's comment is not taken


def test_a_section_within_a_section_has_its_own_comments() -> None:
    assert yaml_comments(FILE, "second.inner") == {"share": "of the inner section"}
