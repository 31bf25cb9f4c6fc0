"""The owner's query: one statement, as some databases run the first of several and say nothing of the others."""

from __future__ import annotations

import sqlglot
from sqlglot.errors import TokenError

from pipeline.errors import InvalidInput


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
