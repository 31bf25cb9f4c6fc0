"""The version of a refresh in MLflow: made once, with its record beside the run that trained the weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pandas import DataFrame

from pipeline.doors import Doors
from pipeline.ledger.alias_history import collected_versions, lineages
from pipeline.ledger.entries import Entry
from pipeline.ledger.registry_agreement import highest_version
from pipeline.plain_text import markdown
from pipeline.records.digests import digests_of_folder
from pipeline.records.findings import RuleVerdict
from pipeline.records.graph_refresh import GraphRefresh, refresh_key
from pipeline.refreshes.newest_graph import NewestGraph
from pipeline.registry.facts import ModelVersion, version_tags
from pipeline.runs.key import code_version
from pipeline.snapshots.published import PublishedSnapshot

LINEAGE_TAG = "ncnc.lineage_sha256"


def register_refresh(
    served: ModelVersion,
    weights: ModelVersion,
    newest: NewestGraph,
    model: Path,
    rules: Sequence[RuleVerdict],
    example: DataFrame,
    doors: Doors,
) -> GraphRefresh:
    """Make the version, and return its record, which is kept; of two tries at once, both return the lower version's."""
    published, entries = newest.published, doors.ledger.entries(weights.name)
    made = _version(weights, published, model, example, entries, doors)
    record = GraphRefresh(
        graph=made.name,
        version=made.version,
        model_id=made.model_id,
        run_key=made.run_key,
        weights_of=weights.version,
        weights_lineage_sha256=_newest(lineages(entries).get(weights.version), weights.tags.get(LINEAGE_TAG)),
        as_of=published.as_of,
        snapshot_tag=published.tag,
        content_id=published.content_id,
        manifest_sha256=published.manifest_sha256,
        snapshot_sha256=newest.record.sha256 if newest.record else None,
        replaced=served.version,
        rules=tuple(rules),
        model=made.files,
        files=doors.registry.models.observe(made.model_id),
        code_version=code_version(),
    )
    doors.registry.refreshes.put(weights.run_id, record)
    doors.registry.versions.tag(made.name, made.version, {}, description=_card(record, weights))
    return record


def _version(
    weights: ModelVersion,
    published: PublishedSnapshot,
    model: Path,
    example: DataFrame,
    entries: Sequence[Entry],
    doors: Doors,
) -> ModelVersion:
    """Return the version of these weights on this snapshot, made if there is none."""
    registry, name = doors.registry, weights.name
    files, key = digests_of_folder(model), refresh_key(weights.run_key, published.tag)
    made = registry.versions.sole_of_run_key(name, key)  # by a try that was killed before the ledger had it
    # One by other code, to which nothing refers, or one that a collection is about to delete, makes room.
    if made is not None and (made.files != files or made.version in collected_versions(entries)):
        registry.versions.delete(name, made.version)
        made = None
    if made is not None:
        return made
    tags = version_tags(
        run_key=key,
        run_name=weights.run_name,
        as_of=published.as_of,
        snapshot_tag=published.tag,
        files=files,
        weights_of=weights.version,
    )
    model_id = registry.models.log(weights.run_id, model, input_example=example)
    number = registry.versions.create(name, weights.run_id, model_id, tags, above=highest_version(entries))
    return registry.versions.get(name, number)


def kept_record(version: ModelVersion, doors: Doors) -> GraphRefresh | None:
    """Return the record that the ledger has of a refresh; None where it has none, as after a try that was killed."""
    known = lineages(doors.ledger.entries(version.name)).get(version.version, ())
    return doors.registry.refreshes.get(version.run_id, known[-1]) if known else None


def tag_by_the_ledger(version: ModelVersion, doors: Doors) -> None:
    """Tag a refresh with the digest that the ledger has of its record: of several tries, the first counts."""
    known = lineages(doors.ledger.entries(version.name)).get(version.version, ())
    if version.is_refresh and known and version.tags.get(LINEAGE_TAG) != known[-1]:
        doors.registry.versions.tag(version.name, version.version, {LINEAGE_TAG: known[-1]})


def _newest(by_the_ledger: Sequence[str] | None, tag: str | None) -> str | None:
    return by_the_ledger[-1] if by_the_ledger else tag


def _card(record: GraphRefresh, weights: ModelVersion) -> str:
    """Return the model card: whose weights, which graph, and how it was judged."""
    name, rows = (
        record.graph,
        [f"| {rule.name} | {markdown(rule.threshold)} | {markdown(rule.observed)} |" for rule in record.rules],
    )
    return "\n".join(
        [
            f"# {name} version {record.version}",
            "",
            f"The weights of version {record.weights_of} (night of {weights.as_of:%Y-%m-%d %H:%M} UTC) with the graph "
            f"of {record.as_of:%Y-%m-%d %H:%M} UTC. Nothing was trained: how these weights measured up, and their "
            f"limits, stand on the card of version {record.weights_of}.",
            "",
            "| rule | needed | observed |",
            "|---|---|---|",
            *rows,
            "",
            f"- lineage `{record.sha256}`; check every byte with `ncnc audit model {name}@{record.version}`",
            f"- snapshot `{record.snapshot_tag}`, content `{record.content_id[:12]}`, code "
            f"`{record.code_version[:12]}`",
        ]
    )
