"""Locations of deliveries: filled in for a night, and named without their credentials."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pipeline.credentials import LITERAL, public
from pipeline.errors import InvalidInput
from pipeline.records.names import stamp

POSTGRES = ("postgresql://", "postgres://")
SQLITE = "sqlite:///"


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
