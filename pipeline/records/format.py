"""The number of its format that every written file and entry carries, and how an older one is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from pydantic import ValidationError

from pipeline.errors import NewerFormat
from pipeline.records.part import Part

FIRST = 1  # the format of 2026-11: its files and entries carry no number
Content = dict[str, Any]  # Any: the fields of a JSON object
Upgrade = Callable[[Content], Content]


class Damaged(ValueError):
    """The text is no JSON object of its kind; the message says the first thing that is wrong."""


class Written(Part):
    """A value that is written on its own, as a file or a line, with the number of its format.

    A class that changes its written form raises FORMAT by one. Where the fields of the format before mean something
    else now, or a new field has no default that is true of older ones, it adds to UPGRADES, under the older number,
    the function that makes the content of the next format. What was written in any format stays readable.
    """

    FORMAT: ClassVar[int] = 2  # 1, and the number itself
    UPGRADES: ClassVar[Mapping[int, Upgrade]] = {}

    def as_written(self, indent: int | None = None) -> str:
        """Return the JSON text, the number of the format first."""
        text = self.model_dump_json(indent=indent)
        start = text.index('"')  # of the first field, behind the brace and its indentation
        number = f'"format":{" " if indent else ""}{self.FORMAT}'
        return f"{text[:start]}{number},{text[1:start]}{text[start:]}"

    @classmethod
    def of_text(cls, text: str, what: str) -> Self:
        """Read what any version up to this one wrote; `what` names the file or the line in messages.

        Raises:
            NewerFormat: a newer version wrote it.
            Damaged: it is no JSON object with the fields of its format.
        """
        return cls.of_content(*numbered(text), what)

    @classmethod
    def of_content(cls, content: Content, number: int, what: str) -> Self:
        """Read the fields of a format; see `of_text`."""
        if number > cls.FORMAT:
            raise NewerFormat(
                f"{what} is in format {number}, and this version of ncnc reads formats up to {cls.FORMAT}. "
                f"It was written by a newer version: upgrade this one."
            )
        try:
            for older in range(number, cls.FORMAT):
                content = cls.UPGRADES[older](content) if older in cls.UPGRADES else content
        except KeyError as error:
            raise Damaged(f"{error.args[0]!r} is missing, which format {number} has") from error
        try:
            return cls.model_validate_json(json.dumps(content))
        except ValidationError as error:
            first = error.errors()[0]
            raise Damaged(f"{'.'.join(str(part) for part in first['loc']) or 'it'}: {first['msg']}") from error


def numbered(text: str) -> tuple[Content, int]:
    """Return the fields of a JSON object and the number of its format, which is FIRST where it carries none.

    Raises:
        Damaged: it is no JSON object, or its number is none.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"Invalid JSON: {error}") from error
    if not isinstance(content, dict):
        raise Damaged(f"Invalid JSON: an object is expected, not a {type(content).__name__}")
    number = content.pop("format", FIRST)
    if type(number) is not int or number < FIRST:
        raise Damaged(f"format: {number!r} is not a format number")
    return content, number


def entry_of(text: str, kinds: Mapping[str, type[Written]], what: str) -> Written:
    """Read one entry of several kinds, which its field `kind` tells apart.

    Raises:
        NewerFormat: a newer version wrote it, or its kind is one that this version does not know.
        Damaged: it is no entry.
    """
    content, number = numbered(text)
    kind = content.get("kind")
    if not isinstance(kind, str):
        raise Damaged(f"kind: {kind!r} is not a kind of entry")
    if kind not in kinds:
        raise NewerFormat(
            f"{what} is an entry of kind {kind!r}, and this version of ncnc knows {', '.join(kinds)}. "
            f"It was written by a newer version: upgrade this one."
        )
    return kinds[kind].of_content(content, number, what)
