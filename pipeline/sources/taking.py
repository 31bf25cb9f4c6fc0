"""Bringing the tables of a night to this machine: files are copied, of a database the wanted rows are read."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.credentials import public
from pipeline.errors import InvalidInput
from pipeline.sources.database import SourceDatabase, Wanted, open_database
from pipeline.sources.files import take_files
from pipeline.sources.location import is_database, is_postgres
from pipeline.sources.query import OwnersQuery
from pipeline.sources.table import Needed
from pipeline.sources.taken_table import TakenTable
from pipeline.sources.window import Window


@dataclass(frozen=True)
class TableRequest:
    """One table that a night asks for.

    name: edges or nodes. location: filled in for the night. needed: the columns it must have, of which `ids` hold node
    ids. within: the column of times and the window that is wanted; None asks for the whole table. dated: whether the
    location or the query names the night.
    """

    name: str
    location: str
    query: OwnersQuery | None
    needed: Needed
    ids: tuple[str, ...]
    within: tuple[str, Window] | None = None
    dated: bool = False


@dataclass(frozen=True)
class Taking:
    """Takes tables into a folder; `stack` closes the databases, each of which is opened once."""

    folder: Path
    stack: ExitStack
    databases: dict[str, SourceDatabase] = field(default_factory=dict)

    def take(self, request: TableRequest) -> TakenTable:
        """Bring one table to this machine.

        Raises:
            NotDelivered: a file, or a table or row of the night, is not there yet, or a database does not answer.
            OutsideTrouble: what is there cannot be fetched.
            InvalidInput: the format is not known, a database lacks the table or a column, or the query is wrong.
        """
        if is_database(request.location):
            return self._take_rows(request)
        in_place = request.within is not None and request.query is None
        return take_files(request.location, self.folder / request.name, in_place=in_place)

    def _take_rows(self, request: TableRequest) -> TakenTable:
        location, name = request.location, public(request.location)
        url, _, table = location.rpartition("#") if "#" in location else (location, "", "")
        if is_postgres(location) and "@" in table:  # the # is part of the password
            url, table = location, ""
        if bool(table) == bool(request.query):
            what = "a table, and a query is given too" if table else "no table"
            raise InvalidInput(
                f"{name} names {what}. Either write the location as url#schema.table, or set "
                f"snapshot.{request.name.removesuffix('s')}_query in params.yaml."
            )
        if url not in self.databases:
            self.databases[url] = self.stack.enter_context(open_database(url))
        dialect = "postgres" if is_postgres(location) else "sqlite"
        query = request.query.statement(dialect) if request.query else None
        wanted = Wanted(table or None, query, request.needed, request.within, request.dated)
        return self.databases[url].take(name, wanted, self.folder / f"{request.name}.parquet")
