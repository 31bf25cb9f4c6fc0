"""The record of a refresh: a version of an earlier one's weights on the graph of another night."""

from __future__ import annotations

from pydantic import AwareDatetime

from pipeline.records.digests import FileDigest, sha256_of_text
from pipeline.records.findings import RuleVerdict
from pipeline.records.part import GraphName, Sha256
from pipeline.records.record import Record


class GraphRefresh(Record):
    """A version that was made without training: its two parents, its bytes, and how it was judged.

    The parents are the lineage record of the version whose weights it carries (None: promoted before versions had one)
    and the snapshot, by its tag and manifest, and by the record of the night that published it (None: published by
    `ncnc snapshots ingest`, which leaves none). `model` are the files of the saved model, which these two and
    `code_version` fix bit for bit; `files` are all that MLflow serves.
    """

    file_name = "graph_refresh.json"

    graph: GraphName
    version: int
    model_id: str
    run_key: Sha256
    weights_of: int
    weights_lineage_sha256: Sha256 | None
    as_of: AwareDatetime
    snapshot_tag: str
    content_id: Sha256
    manifest_sha256: Sha256
    snapshot_sha256: Sha256 | None
    replaced: int  # the version that served before
    rules: tuple[RuleVerdict, ...]
    model: tuple[FileDigest, ...]
    files: tuple[FileDigest, ...]
    code_version: Sha256


def refresh_key(weights_run_key: str, snapshot_tag: str) -> str:
    """Return the key by which a refresh is made once: of the weights' run key and the snapshot's tag."""
    return sha256_of_text(f"refresh\n{weights_run_key}\n{snapshot_tag}\n")
