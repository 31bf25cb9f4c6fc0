"""Refresh the champion: serve its weights on the newest graph, as a version of its own that is made once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ncnc_core.errors import InvalidGraph
from ncnc_core.link_model import LinkModel
from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NothingToDo
from pipeline.ledger.alias_history import collected_versions
from pipeline.ledger.entries import GraphRefreshed, RefreshRefused
from pipeline.params.refresh import RefreshParams
from pipeline.records.findings import RuleVerdict
from pipeline.records.graph_refresh import GraphRefresh, refresh_key
from pipeline.refreshes.judgement import NOT_COLLAPSED, judged, refusal
from pipeline.refreshes.newest_graph import NewestGraph, newest_graph
from pipeline.refreshes.registered_refresh import kept_record, register_refresh, tag_by_the_ledger
from pipeline.registry.facts import ModelVersion
from pipeline.runs.data import example_pairs
from pipeline.runs.fetched_versions import version_model
from pipeline.runs.folder import RunFolder
from pipeline.runs.incumbent import FEATURE_COLUMNS
from pipeline.runs.refreshed_model import save_refreshed
from pipeline.snapshots.published import PublishedSnapshot


@dataclass(frozen=True)
class Asked:
    """Who asks for a refresh, and why: as the ledger keeps it."""

    who: str
    why: str


class RefusedRefresh(InvalidInput):
    """The champion's weights are not served on the newest graph; what was served before stays."""


def refresh(
    graph: str, params: RefreshParams, asked: Asked, *, doors: Doors, folder: RunFolder | None = None
) -> GraphRefresh:
    """Serve the champion's weights on the newest snapshot that stands, and return the record of the version.

    The version is one for each version of weights and snapshot. It is found again where an earlier try, or a rollback
    and back, made it before. `folder` is the run of the snapshot's night, where a step of that night asks.

    Raises:
        NothingToDo: there is no champion or no snapshot, the champion has the newest graph already, or it was given
            other weights meanwhile.
        RefusedRefresh: the weights do not fit the graph, or a rule of a refresh is broken; it is in the ledger.
        TamperedRecord: bytes differ from their digests.
    """
    doors.aliases.look(graph, who=asked.who, at=doors.clock())
    served = doors.registry.versions.champion(graph)
    if served is None:
        raise NothingToDo(f"{graph} has no champion, so that no graph is served. The first promotion makes one.")
    published = doors.snapshots.latest(graph)
    if published is None:
        raise NothingToDo(f"{graph} has no snapshot that stands, so that version {served.version} stays as it is.")
    if served.snapshot_tag == published.tag:
        tag_by_the_ledger(served, doors)  # a try that was killed may have left it to this one
        raise NothingToDo(
            f"Version {served.version} of {graph} serves the newest graph already, that of "
            f"{published.as_of:%Y-%m-%d %H:%M} UTC."
        )
    weights = doors.registry.versions.champion_weights(graph) or served
    record = _registered_before(weights, published, doors)
    if record is None:
        with newest_graph(published, doors, folder) as newest, TemporaryDirectory() as scratch:
            record = _made(served, weights, newest, Path(scratch) / "model", params, asked, doors)
    return _served(record, weights, asked, doors)


def _registered_before(weights: ModelVersion, published: PublishedSnapshot, doors: Doors) -> GraphRefresh | None:
    """Return the record of the refresh that the ledger has of these weights and this snapshot, if it is there."""
    made = doors.registry.versions.of_run_key(weights.name, refresh_key(weights.run_key, published.tag))
    if made is None or made.version in collected_versions(doors.ledger.entries(weights.name)):
        return None
    return kept_record(made, doors)


def _made(
    served: ModelVersion,
    weights: ModelVersion,
    newest: NewestGraph,
    model: Path,
    params: RefreshParams,
    asked: Asked,
    doors: Doors,
) -> GraphRefresh:
    """Make the model, judge it, and register it."""
    source = version_model(newest.folder, weights, doors)
    try:
        _expect_same_columns(weights, newest, doors)
        after = save_refreshed(source, newest.tables, model)
        rules = _judged(served, weights, newest, after, params, doors)
        broken = refusal(rules)
    except InvalidGraph as error:
        broken = f"the weights of version {weights.version} do not fit the graph: {error}"
    if broken:
        _refuse(served, newest.published, broken, asked, doors)
    example = example_pairs(model)
    return register_refresh(served, weights, newest, model, rules, example, doors)


def _expect_same_columns(weights: ModelVersion, newest: NewestGraph, doors: Doors) -> None:
    own, tonight = doors.registry.runs.param(weights.run_id, FEATURE_COLUMNS), newest.columns(doors)
    if tonight is not None and own != tonight:
        raise InvalidGraph(f"they read the features {own}, and the graph's are {tonight}.")


def _judged(
    served: ModelVersion,
    weights: ModelVersion,
    newest: NewestGraph,
    after: LinkModel,
    params: RefreshParams,
    doors: Doors,
) -> tuple[RuleVerdict, ...]:
    before = LinkModel.load(version_model(newest.folder, served, doors))
    reads_times = after.config.predictor == "temporal_ncn"
    return judged(before, after, newest.fresh_edges(weights.as_of, reads_times=reads_times, doors=doors), params)


def _refuse(served: ModelVersion, published: PublishedSnapshot, why: str, asked: Asked, doors: Doors) -> None:
    doors.ledger.append(
        RefreshRefused(
            graph=served.name,
            version=served.version,
            weights_of=served.weights_of,
            snapshot_tag=published.tag,
            at=doors.clock(),
            who=asked.who,
            why=why,
        )
    )
    raise RefusedRefresh(
        f"The graph of {published.as_of:%Y-%m-%d %H:%M} UTC is not served, and version {served.version} of "
        f"{served.name} stays: {why}. Look at the graph and at the champion. To serve it all the same, set "
        f"refresh.maximum_loss in params.yaml higher, and run: ncnc refresh --graph {served.name} --reason ..."
    )


def _served(record: GraphRefresh, weights: ModelVersion, asked: Asked, doors: Doors) -> GraphRefresh:
    """Make a registered refresh champion, and give it the tag of the record that the ledger has of it."""
    entry = GraphRefreshed(
        graph=record.graph,
        version=record.version,
        previous=record.replaced,
        weights_of=record.weights_of,
        run_key=record.run_key,
        snapshot_tag=record.snapshot_tag,
        lineage_sha256=record.sha256,
        at=doors.clock(),
        who=asked.who,
        why="; ".join([asked.why, *(rule.observed for rule in record.rules if rule.name == NOT_COLLAPSED)]),
    )
    doors.aliases.refresh(entry)
    version = doors.registry.versions.get(record.graph, record.version)
    tag_by_the_ledger(version, doors)
    return kept_record(version, doors) or record
