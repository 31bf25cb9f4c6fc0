"""The records of refreshes, each under its own digest in the MLflow run whose training made the weights."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pipeline.records.graph_refresh import GraphRefresh
from pipeline.registry.tracking_server import TrackingServer, asks_the_server


class RefreshRecords:
    """One run has as many of them as nights kept its weights, so that each is found by its digest and not by its name.

    They stay where the version was collected: by them it can be made again, bit for bit.
    """

    def __init__(self, server: TrackingServer) -> None:
        self.server = server

    @asks_the_server
    def put(self, run_id: str, record: GraphRefresh) -> None:
        """Keep a record."""
        with tempfile.TemporaryDirectory() as scratch:
            self.server.artifacts(run_id).put_file(record.write(Path(scratch)), _place(record.sha256))

    @asks_the_server
    def get(self, run_id: str, sha256: str) -> GraphRefresh | None:
        """Return the record that was kept under a digest, unverified; None where there is none."""
        with self.server.artifacts(run_id).fetched(_place(sha256)) as found:
            return None if found is None else GraphRefresh.read(found.parent)


def _place(sha256: str) -> str:
    return f"refreshes/{sha256[:12]}/{GraphRefresh.file_name}"
