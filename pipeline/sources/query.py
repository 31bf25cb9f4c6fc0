"""The owner's query of params.yaml: one SELECT, asked of a database or of the files that were delivered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import sqlglot
from ibis.backends.duckdb import Backend
from sqlglot.errors import TokenError

from pipeline.errors import InvalidInput
from pipeline.sources.formats import open_parquet
from pipeline.sources.table import Needed, SourceTable, require_columns
from pipeline.sources.taken_table import TakenTable


@dataclass(frozen=True)
class OwnersQuery:
    """A query, filled in for the night; parameter: its name in params.yaml, for messages."""

    parameter: str
    text: str

    def statement(self, dialect: str) -> str:
        """Return the query without the semicolon at its end.

        Raises:
            InvalidInput: it has another semicolon, or one of its strings or comments has no end.
        """
        try:
            tokens = sqlglot.tokenize(self.text, read=dialect)
        except TokenError as error:
            raise InvalidInput(
                f"{self.parameter} cannot be read: {error}. End each string and comment in it: one SELECT in "
                f"params.yaml."
            ) from error
        ends = [token.start for token in tokens if token.token_type == sqlglot.TokenType.SEMICOLON]
        query = self.text
        if ends and tokens[-1].token_type == sqlglot.TokenType.SEMICOLON:
            query = query[: ends.pop()]
        if ends:
            raise InvalidInput(
                f"{self.parameter} has a semicolon within it, before {query[ends[0] + 1 :].strip()!r}. Write one "
                f"SELECT; make a view in the database of whatever prepares it."
            )
        return query

    def answer(
        self, connection: Backend, taken: TakenTable, needed: Needed, path: Path, *, may_be_empty: bool
    ) -> SourceTable:
        """Run the query over delivered files, which it calls `delivered`, and keep its answer in a Parquet file.

        The answer has rows of its own, so messages name the table without row numbers.

        Raises:
            InvalidInput: the query fails, or its answer lacks a column.
        """
        query = self.statement("duckdb")
        whole = taken.open(connection, [], may_be_empty=may_be_empty)
        try:
            connection.create_view("delivered", whole.table, overwrite=True)
            # Not by Ibis's own sql(): it calls a method that this DuckDB no longer has.
            answered = connection.con.sql(f"SELECT * FROM ({query}\n)")  # noqa: S608 - the owner's own
            answered.write_parquet(str(path))
        except duckdb.Error as error:
            raise InvalidInput(
                f"{self.parameter} cannot be run on {taken.name}: {taken.reason(error)}. Correct it in params.yaml: "
                f"one SELECT, in which the table is called delivered."
            ) from error
        found = open_parquet(connection, path)
        require_columns(f"The answer to {self.parameter}", found.columns, needed)
        return SourceTable(taken.name, found, whole.typed)
