"""Tonight's graph, from the delivery to the publication.

The delivery is read, checked, and made canonical on top of the previous snapshot.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.checks.data_checks import DataChecks
from pipeline.checks.graph import graph_checks
from pipeline.checks.quality import check_delivery, require
from pipeline.checks.repeats import Baseline
from pipeline.doors import Doors
from pipeline.errors import InvalidInput, WrongAsOf
from pipeline.graphs.change_summary import ChangeSummary, change_summary
from pipeline.graphs.snapshot_folder import read_graph, write_folder
from pipeline.graphs.tables import CanonicalGraph, Change, content_id
from pipeline.ingest.canonical_graph import build
from pipeline.params.params import Params
from pipeline.params.snapshot import SnapshotParams
from pipeline.records.chain import GraphSnapshot
from pipeline.runs.key import code_version, git_commit
from pipeline.snapshots.published import Publication, PublishedSnapshot
from pipeline.sources.delivery import Delivery
from pipeline.sources.graph_source import GraphSource

# What a scheduler's clock may be ahead of this machine's. A snapshot blocks earlier nights for no longer than that.
CLOCK_TOLERANCE = timedelta(hours=1)


@dataclass(frozen=True, eq=False)
class _Before:
    """The newest snapshot published before tonight, with its files."""

    published: PublishedSnapshot
    folder: Path
    graph: CanonicalGraph
    earlier: tuple[PublishedSnapshot, ...]

    @property
    def baseline(self) -> Baseline:
        """What the checks compare tonight with."""
        tables, last = self.graph.tables, self.published
        return Baseline(
            as_of=last.as_of,
            source_sha256=last.source_sha256,
            num_edges=last.num_edges,
            ids_are_text=tables.node_ids.dtype.kind != "i",
            earlier=self.earlier,
            keeps_directions=tables.first_forward is not None,
        )


@dataclass(frozen=True, eq=False)
class TonightsGraph:
    """A delivery that passed every refusing check, as canonical tables; nothing is written or published yet."""

    name: str
    as_of: datetime
    delivery: Delivery
    checks: DataChecks
    change: Change
    summary: ChangeSummary
    content_id: str
    before: _Before | None

    @property
    def num_nodes(self) -> int:
        """The nodes in the graph tonight; departed ones keep their position in the tables and are not counted."""
        return int(self.change.graph.node_living.sum())

    @property
    def num_edges(self) -> int:
        """The living edges."""
        return int(self.change.graph.tables.living.sum())

    @property
    def num_features(self) -> int:
        """The features of each node."""
        features = self.change.graph.tables.features
        return 0 if features is None else features.shape[1]

    @property
    def previous(self) -> PublishedSnapshot | None:
        """The snapshot this one is built on."""
        return self.before.published if self.before else None

    def publish(self, folder: Path, doors: Doors) -> Publication:
        """Write the snapshot's files into an empty folder, and publish them."""
        before = self.before
        write_folder(
            self.change.graph,
            folder,
            as_of=self.as_of,
            previous=before.graph if before else None,
            previous_folder=before.folder if before else None,
        )
        return doors.snapshots.publish(
            folder,
            graph=self.name,
            as_of=self.as_of,
            content_id=self.content_id,
            source_sha256=self.delivery.sha256,
            num_edges=self.num_edges,
            previous_tag=before.published.tag if before else None,
        )

    def record(self, run_name: str, params: Params, publication: Publication, key: str) -> GraphSnapshot:
        """Return the record of this graph, published, as the start of a run."""
        previous = self.previous
        return GraphSnapshot(
            graph=self.name,
            run_name=run_name,
            as_of=self.as_of,
            content_id=self.content_id,
            tag=publication.tag,
            dvc_md5=publication.dvc_md5,
            manifest_sha256=publication.manifest_sha256,
            source_sha256=self.delivery.sha256,
            previous_tag=previous.tag if previous else None,
            previous_as_of=previous.as_of if previous else None,
            num_nodes=self.num_nodes,
            num_edges=self.num_edges,
            num_features=self.num_features,
            added_edges=self.change.added,
            removed_edges=self.change.removed,
            returned_edges=self.change.returned,
            checks=self.checks.checks,
            params_sha256=params.sha256,
            code_version=code_version(),
            git_commit=git_commit(),
            run_key=key,
        )


@contextmanager
def tonights_graph(params: SnapshotParams, doors: Doors, as_of: datetime) -> Iterator[TonightsGraph]:
    """Read and check what was delivered for a night, and build its tables; valid within the block.

    Raises:
        NotDelivered: the source did not deliver yet.
        OutsideTrouble: a service does not answer.
        RefusedDelivery: a check refuses the delivery; it carries every check and what changed.
        InvalidInput: the delivery cannot be read, or the as-of has no time zone or lies after the present.
    """
    as_of = _whole_seconds(as_of)
    _require_past(as_of, doors)
    environment = doors.environment
    source = GraphSource(environment.source_edges, environment.source_nodes, params, environment.home / "tmp")
    newest = doors.snapshots.latest(params.graph)
    last = _last(doors, params.graph, as_of, newest)
    delivery = source.read(as_of, since=last.as_of if last else None)
    with tempfile.TemporaryDirectory(prefix="before-", dir=environment.home / "tmp") as scratch:
        before = _before(doors, last, as_of, Path(scratch)) if last else None
        findings = check_delivery(
            delivery,
            params,
            as_of=as_of,
            newest_as_of=newest.as_of if newest else None,
            baseline=before.baseline if before else None,
        )
        change = build(
            delivery,
            params,
            as_of=int(as_of.timestamp()),
            previous=before.graph if before else None,
            previous_as_of=int(before.published.as_of.timestamp()) if before else None,
        )
        summary = _summary(change, params, as_of, before)
        findings += graph_checks(summary, params)
        checks = require(findings, delivery, params, as_of=as_of, change=summary)
        yield TonightsGraph(params.graph, as_of, delivery, checks, change, summary, content_id(change.graph), before)


def _summary(change: Change, params: SnapshotParams, as_of: datetime, before: _Before | None) -> ChangeSummary:
    return change_summary(
        change,
        before.graph if before else None,
        graph=params.graph,
        as_of=as_of,
        previous_as_of=before.published.as_of if before else None,
    )


def _whole_seconds(as_of: datetime) -> datetime:
    """Return the as-of in UTC and whole seconds, as tags and file names hold it."""
    if as_of.tzinfo is None:
        raise InvalidInput(f"The as-of {as_of.isoformat()} has no time zone. Pass it as {as_of.isoformat()}+00:00.")
    return as_of.astimezone(UTC).replace(microsecond=0)


def _require_past(as_of: datetime, doors: Doors) -> None:
    """Refuse an as-of after the present: its snapshot would stand in the way of every night until then."""
    now = _whole_seconds(doors.clock())
    if as_of > now + CLOCK_TOLERANCE and not doors.environment.simulated_time:
        raise WrongAsOf(
            f"The as-of {as_of.isoformat()} lies after the present, which is {now.isoformat()} by this machine's "
            f"clock. Pass the time that the graph is of, with its zone, or set the clock right. (To play nights that "
            f"are to come, set NCNC_SIMULATED_TIME=1 in a data repository made for that.)"
        )


def _last(doors: Doors, graph: str, as_of: datetime, newest: PublishedSnapshot | None) -> PublishedSnapshot | None:
    # A run that died after publishing left tonight's own snapshot. Build on the one before it, not on itself.
    if newest is not None and newest.as_of >= as_of:
        return doors.snapshots.latest(graph, before=as_of)
    return newest


def _before(doors: Doors, published: PublishedSnapshot, as_of: datetime, scratch: Path) -> _Before:
    folder = doors.snapshots.fetch(published.tag, scratch / "snapshot")
    earlier = tuple(item for item in doors.snapshots.list(published.graph) if item.as_of < as_of)
    return _Before(published, folder, read_graph(folder), earlier)


def ingest(params: Params, *, doors: Doors, as_of: datetime) -> Publication:
    """Publish a delivery as history: it is checked like any other, but no run starts from it."""
    with (
        tonights_graph(params.snapshot, doors, as_of) as graph,
        tempfile.TemporaryDirectory() as scratch,
    ):
        return graph.publish(Path(scratch), doors)
