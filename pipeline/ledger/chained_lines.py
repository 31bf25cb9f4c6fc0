"""How each line of the ledger names the lines above it, so that a change of them is seen; pure functions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence

from pipeline.ledger.entries import AFTER, Entry

CHAINED = 3  # the first format in which a line names the lines above it
SHOWN = 12  # digits of a digest that a message shows


def lines_of(text: str) -> tuple[str, ...]:
    """Return the lines of a ledger file.

    Not splitlines: a reason may hold a character that Unicode calls a line's end, and JSON leaves as it is.
    """
    return tuple(text.removesuffix("\n").split("\n")) if text else ()


def appended(text: str, entries: Iterable[Entry]) -> str:
    """Return the file with entries below it; each new line holds the sha256 of all the bytes above it."""
    above = hashlib.sha256(_bytes(text))
    for entry in entries:
        line = entry.as_written()
        if text:
            line = f'{line[:-1]},"{AFTER}":"{above.hexdigest()}"}}'
        text += f"{line}\n"
        above.update(_bytes(f"{line}\n"))
    return text


def broken_link(lines: Sequence[str]) -> str | None:
    """Return in words the first line that was not written below the lines that stand above it now; None if all were.

    A line of before format 3 names nothing. The first one of format 3 names all that stand above it, so that they are
    covered from then on. Each line must be a JSON object.
    """
    above, chained = hashlib.sha256(), False
    for number, line in enumerate(lines, start=1):
        content = json.loads(line)
        named, found = content.get(AFTER), above.hexdigest() if number > 1 else None
        chained = chained or named is not None or content.get("format", 1) >= CHAINED
        if chained and named != found:
            return _in_words(number, named, found)
        above.update(_bytes(f"{line}\n"))
    return None


def _in_words(number: int, named: object, found: str | None) -> str:
    if found is None:
        return f"line {number} was written below other lines, and none stands above it now"
    if named is None:
        return f"line {number} does not name the lines above it, as every line since format {CHAINED} does"
    return (
        f"line {number} was written below lines with sha256 {str(named)[:SHOWN]}, and those above it now have "
        f"sha256 {found[:SHOWN]}"
    )


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
