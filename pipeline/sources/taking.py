"""Taking a night's tables: from files, from a database or through a query, whole or only what a log has new."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import sqlglot
from ibis.backends.duckdb import Backend
from sqlglot.errors import TokenError

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources import columns
from pipeline.sources import edges as source_edges
from pipeline.sources import nodes as source_nodes
from pipeline.sources.database import SourceDatabase, Wanted, open_database
from pipeline.sources.files import TakenTable, take_files
from pipeline.sources.formats import open_parquet
from pipeline.sources.location import fill_query, is_database, is_postgres, public
from pipeline.sources.table import Needed, SourceTable, require_columns
from pipeline.sources.window import Window


@dataclass(frozen=True)
class Taking:
    """What a night takes, into a folder; `stack` closes the databases, each of which is opened once."""

    params: SnapshotParams
    as_of: datetime
    folder: Path
    stack: ExitStack
    databases: dict[str, SourceDatabase] = field(default_factory=dict)

    def edges(self, location: str, window: Window | None) -> TakenTable:
        """Bring the edge table to this machine; of a database, only the window."""
        needed = source_edges.needed_columns(self.params)
        return self._take(location, self._edge_query, needed, window, "edges")

    def nodes(self, location: str) -> TakenTable:
        """Bring the node table to this machine."""
        return self._take(location, self._node_query, source_nodes.needed_columns(self.params), None, "nodes")

    def open_edges(
        self, connection: Backend, taken: TakenTable, window: Window | None
    ) -> tuple[SourceTable, bool | None]:
        """Open the edge table, or the window of it, and say whether its ids are strings; None where it has no row."""
        params = self.params
        needed = source_edges.needed_columns(params)
        table = self._open(connection, taken, self._edge_query, needed, "edges", may_be_empty=window is not None)
        # Asked of the whole, as the few new rows of a CSV file may look otherwise.
        text = table.ids_are_text(params.source_column, params.target_column)
        if window is None or params.time_column is None or not taken.numbered:
            return table, text
        return self._within(connection, table, window, params.time_column), text

    def open_nodes(self, connection: Backend, taken: TakenTable) -> SourceTable:
        """Open the node table."""
        return self._open(connection, taken, self._node_query, source_nodes.needed_columns(self.params), "nodes")

    @property
    def _edge_query(self) -> str | None:
        return self.params.edge_query and fill_query(self.params.edge_query, self.as_of)

    @property
    def _node_query(self) -> str | None:
        return self.params.node_query and fill_query(self.params.node_query, self.as_of)

    def _take(self, location: str, query: str | None, needed: Needed, window: Window | None, name: str) -> TakenTable:
        if not is_database(location):
            return take_files(location, self.folder / name, in_place=window is not None and query is None)
        url, _, table = location.rpartition("#") if "#" in location else (location, "", "")
        if is_postgres(location) and "@" in table:  # that # is of the password
            url, table = location, ""
        if bool(table) == bool(query):
            what = "a table, and a query is given too" if table else "no table"
            raise InvalidInput(
                f"{public(location)} names {what}. Either write the location as url#schema.table, or set "
                f"{_parameter(name)} in params.yaml."
            )
        if url not in self.databases:
            self.databases[url] = self.stack.enter_context(open_database(url))
        if query:
            query = one_statement(_parameter(name), query, "postgres" if is_postgres(location) else "sqlite")
        within = (self.params.time_column, window) if window and self.params.time_column else None
        wanted = Wanted(table or None, query, needed, within)
        return self.databases[url].take(public(location), wanted, self.folder / f"{name}.parquet")

    def _open(
        self,
        connection: Backend,
        taken: TakenTable,
        query: str | None,
        needed: Needed,
        name: str,
        *,
        may_be_empty: bool = False,
    ) -> SourceTable:
        if query is None or not taken.numbered:
            return taken.open(connection, needed, may_be_empty=may_be_empty)
        # Run once and kept: what it finds has rows of its own, and an error here is the query's.
        parameter = _parameter(name)
        query = one_statement(parameter, query, "duckdb")
        whole = taken.open(connection, [], may_be_empty=may_be_empty)
        answer = self.folder / f"{name}-answer.parquet"
        try:
            connection.create_view("delivered", whole.table, overwrite=True)
            # Not by Ibis's own sql(), which calls what this DuckDB no longer has.
            answered = connection.con.sql(f"SELECT * FROM ({query}\n)")  # noqa: S608 - the owner's own
            answered.write_parquet(str(answer))
        except duckdb.Error as error:
            raise InvalidInput(
                f"{parameter} cannot be run on {taken.name}: {taken.reason(error)}. Correct it in params.yaml: one "
                f"SELECT, in which the table is called delivered."
            ) from error
        found = open_parquet(connection, answer)
        require_columns(f"The answer to {parameter}", found.columns, needed)
        return SourceTable(taken.name, found, whole.typed)

    def _within(self, connection: Backend, table: SourceTable, window: Window, time_column: str) -> SourceTable:
        """Write the window of a table to a file of its own, so that the source is read once, at one moment."""
        column = columns.times(time_column, table.table[time_column].type())
        if column.refusal or window.has_no_time(table.table, column):
            table.check([column])
        names = sorted({name for _, name in source_edges.needed_columns(self.params)})
        path = self.folder / "window.parquet"
        connection.to_parquet(window.of(table.table, column).select(*names), path)
        return SourceTable(table.name, open_parquet(connection, path), table.typed)


def _parameter(table: str) -> str:
    return f"snapshot.{table.removesuffix('s')}_query"


def one_statement(parameter: str, query: str, dialect: str) -> str:
    """Return a query without the semicolon at its end; parameter: what of params.yaml it is.

    Raises:
        InvalidInput: a semicolon stands within it, or a string or a comment of it has no end.
    """
    try:
        tokens = sqlglot.tokenize(query, read=dialect)
    except TokenError as error:
        raise InvalidInput(
            f"{parameter} cannot be read: {error}. End each string and comment in it: one SELECT in params.yaml."
        ) from error
    ends = [token.start for token in tokens if token.token_type == sqlglot.TokenType.SEMICOLON]
    if ends and tokens[-1].token_type == sqlglot.TokenType.SEMICOLON:
        query = query[: ends.pop()]
    if ends:
        raise InvalidInput(
            f"{parameter} has a semicolon within it, before {query[ends[0] + 1 :].strip()!r}. Write one SELECT; what "
            f"prepares it belongs into a view of the database."
        )
    return query
