"""Where a delivery lies: a location filled in for a night, and how it is named without its credentials."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pipeline.errors import InvalidInput
from pipeline.git_origin import CREDENTIALS
from pipeline.published_snapshot import stamp

POSTGRES = ("postgresql://", "postgres://")
SQLITE = "sqlite:///"
SIGNATURE = re.compile(r"(://[^\s?]*)\?[^\s'\")#]+")  # what a presigned URL carries after its path


def fill(location: str, as_of: datetime) -> str:
    """Put the night into a location: {date} becomes YYYY-MM-DD, {as_of} becomes YYYYMMDDTHHMMSSZ.

    Raises:
        InvalidInput: the location has another field in braces.
    """
    filled = fill_query(location, as_of)
    unknown = re.search(r"\{[^}]*\}", filled)
    if unknown:
        raise InvalidInput(
            f"The source location {public(location)} has the field {unknown[0]}. Use {{date}} or {{as_of}}."
        )
    return filled


def fill_query(query: str, as_of: datetime) -> str:
    """Put the night into a query, whose other braces are its own."""
    utc = as_of.astimezone(UTC)
    return query.replace("{date}", f"{utc:%Y-%m-%d}").replace("{as_of}", stamp(utc))


def is_database(location: str) -> bool:
    """Return whether a location is a database rather than a file."""
    return location.startswith((*POSTGRES, SQLITE))


def public(text: str) -> str:
    """Return a text for a message or a record, the credentials in its URLs left out."""
    scheme, _, rest = text.partition("://")
    if text.startswith(POSTGRES):
        # A password may hold any sign that should have been escaped: all before the last @ is left out.
        text = f"{scheme}://{rest.rpartition('@')[2]}"
    return SIGNATURE.sub(r"\1?...", CREDENTIALS.sub("://", text))
