"""Locations of deliveries: filled in for a night, and named without their credentials."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import unquote

from pipeline.credentials import CREDENTIALS
from pipeline.environment import LITERAL
from pipeline.errors import InvalidInput
from pipeline.records.names import stamp

POSTGRES = ("postgresql://", "postgres://")
SQLITE = "sqlite:///"
SIGNATURE = re.compile(r"(://[^\s?#]*)\?[^\s#]+")  # the query of a presigned URL
SECRET_NAMES = re.compile(r"pass|secret|token|key|sig|credential", re.IGNORECASE)
PASSWORD = re.compile(r"[^/?#@:]*:(?!\d*([/?#]|$))")  # a user name, and after the colon no port
SEPARATORS = re.compile(r"[/:?#@,&=\[\]\s]+")  # clients split URLs here, and may show one part
SHORT = 2  # characters; a part this short is hidden only as a word of its own


def fill(location: str, as_of: datetime) -> str:
    """Put the night into a location: {date} becomes YYYY-MM-DD, {as_of} becomes YYYYMMDDTHHMMSSZ.

    Raises:
        InvalidInput: the location has another field in braces.
    """
    if location.startswith(LITERAL):
        return location
    filled = fill_query(location, as_of)
    unknown = re.search(r"\{[^}]*\}", filled)
    if unknown:
        shown = public(location)
        field = unknown[0] if unknown[0] in shown else "{...}"  # it may be in a password
        raise InvalidInput(f"The source location {shown} has the field {field}. Use {{date}} or {{as_of}}.")
    return filled


def fill_query(query: str, as_of: datetime) -> str:
    """Put the night into a query; other braces stay as they are."""
    utc = as_of.astimezone(UTC)
    return query.replace("{date}", f"{utc:%Y-%m-%d}").replace("{as_of}", stamp(utc))


def is_database(location: str) -> bool:
    """Return whether a location is a database rather than a file."""
    return location.startswith((*POSTGRES, SQLITE))


def is_postgres(location: str) -> bool:
    """Return whether a location is a PostgreSQL database."""
    return location.lower().startswith(POSTGRES)


def public(location: str) -> str:
    """Return a location for a message or a record, without credentials and without the values of its URL query."""
    if location.startswith(LITERAL):
        return location.removeprefix(LITERAL)
    scheme, mark, rest = location.partition("://")
    if not mark or rest.startswith("/"):
        return location
    rest = rest[len(_login(location)) :].removeprefix("@")
    return f"{scheme}://{re.sub(r'[?][^#]+', '?...', rest, count=1)}"


def public_text(text: str, location: str) -> str:
    """Return a client's message about a location without credentials, even if it shows only a part of them."""
    text = text.replace(location, public(location))
    text = SIGNATURE.sub(r"\1?...", CREDENTIALS.sub("://", text))
    for word in sorted(_secrets(location), key=len, reverse=True):
        alone = rf"(?<!\w){re.escape(word)}(?!\w)"
        text = text.replace(word, "***") if len(word) > SHORT else re.sub(alone, "***", text)
    return text


def _login(location: str) -> str:
    """Return the part before the last @ of a location; a password may hold any character, escaped or not."""
    rest = location.partition("://")[2]
    if not is_postgres(location) and not PASSWORD.match(rest):
        rest = re.split(r"[?#]", rest)[0]
    return rest.rpartition("@")[0]


def _secrets(location: str) -> set[str]:
    """Return each secret of a location, whole and in parts, as written and unescaped."""
    user, _, password = _login(location).partition(":")
    asked = [pair.partition("=") for pair in location.partition("?")[2].split("&")]
    whole = [password, *(value or name for name, _, value in asked if not value or SECRET_NAMES.search(name))]
    users = [user, *(value for name, _, value in asked if name == "user")]
    if is_postgres(location):
        # User, server and database often share a name. libpq quotes the user's, so it is hidden only in quotes.
        return _parts(whole) | {f'"{word}"' for word in _parts(users)}
    return _parts([*whole, *users])


def _parts(words: list[str]) -> set[str]:
    known = {form for word in words for form in (word, unquote(word))}
    return {part for word in known for part in (word, *SEPARATORS.split(word)) if part}
