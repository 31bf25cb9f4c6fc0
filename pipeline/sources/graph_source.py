"""The door to the source: it takes the tables of a night, has them read as one delivery, and has that judged."""

from __future__ import annotations

import dataclasses
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.errors import InvalidInput
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources import edges, nodes
from pipeline.sources.delivery import Delivery
from pipeline.sources.engine import open_engine
from pipeline.sources.judge import require_usable
from pipeline.sources.location import fill, fill_query
from pipeline.sources.query import OwnersQuery
from pipeline.sources.reader import Arrived, DeliveryReader
from pipeline.sources.taking import TableRequest, Taking
from pipeline.sources.window import Night


@dataclass(frozen=True)
class GraphSource:
    """Where a graph's deliveries lie; {date} and {as_of} in a location stand for the night."""

    edges: str
    nodes: str | None
    params: SnapshotParams
    scratch: Path

    def read(self, as_of: datetime, since: datetime | None = None) -> Delivery:
        """Read what was delivered for a night; of an event log with times, what is new since an earlier as-of.

        Events of the late window before `since` are read again, and their pairs delivered again. The digest is that
        of the delivered files' bytes. Where the bytes were not all read, as of a database and of a log's Parquet files
        on this machine, or hold no row, it is that of what was taken.

        Raises:
            NotDelivered: a file, or a table or row of the night, is not there, a database does not answer, or what it
                says is too old: the source did not deliver yet.
            OutsideTrouble: what is there cannot be fetched.
            InvalidInput: a table is empty, lacks a column, or holds a value that is no id, time or feature; or features
                are asked for without a node table.
        """
        if self.params.feature_columns and not self.nodes:
            raise InvalidInput(
                f"snapshot.feature_columns is {', '.join(self.params.feature_columns)}, but no node table is given to "
                f"hold them. Set NCNC_SOURCE_NODES (ncnc try: --nodes), or set snapshot.feature_columns: []."
            )
        night = Night.of(self.params, as_of, since)
        self.scratch.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="source-", dir=self.scratch)))
            taking = Taking(folder, stack)
            arrived = [Arrived(request, taking.take(request)) for request in self._requests(as_of, night)]
            reader = DeliveryReader(stack.enter_context(open_engine(folder)), folder, self.params, night)
            delivery = reader.read(*arrived)
        require_usable(delivery, self.params, as_of)
        return dataclasses.replace(delivery, dated=fill(self.edges, as_of) != self.edges)

    def _requests(self, as_of: datetime, night: Night) -> list[TableRequest]:
        """Return what is asked for: the edge table, and the node table where there is one."""
        params = self.params
        asked = [
            TableRequest(
                "edges",
                fill(self.edges, as_of),
                _query("snapshot.edge_query", params.edge_query, as_of),
                edges.needed_columns(params),
                (params.source_column, params.target_column),
                (params.time_column, night.window) if params.time_column and night.window else None,
                dated=_names_the_night(as_of, self.edges, params.edge_query),
            )
        ]
        if self.nodes:
            query = _query("snapshot.node_query", params.node_query, as_of)
            needed = nodes.needed_columns(params)
            dated = _names_the_night(as_of, self.nodes, params.node_query)
            location = fill(self.nodes, as_of)
            asked.append(TableRequest("nodes", location, query, needed, (params.node_column,), dated=dated))
        return asked


def _names_the_night(as_of: datetime, *texts: str | None) -> bool:
    return any(text is not None and fill_query(text, as_of) != text for text in texts)


def _query(parameter: str, text: str | None, as_of: datetime) -> OwnersQuery | None:
    return OwnersQuery(parameter, fill_query(text, as_of)) if text else None
