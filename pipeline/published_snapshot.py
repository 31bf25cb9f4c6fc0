"""What the data repository says of what was published: `<graph>/snapshot.json` and `<graph>/split.json` at a tag."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import AwareDatetime

from pipeline.records import GraphName, Part, Sha256

STAMP_FORMAT = "%Y%m%dT%H%M%SZ"


class PublishedSnapshot(Part):
    """One snapshot whose tag is on the origin; everything tonight's checks need to know of an earlier night."""

    graph: GraphName
    tag: str
    as_of: AwareDatetime
    content_id: Sha256
    source_sha256: Sha256
    num_edges: int
    previous_tag: str | None
    dvc_md5: str
    manifest_sha256: Sha256


class PublishedSplit(Part):
    """One split whose tag is on the origin."""

    graph: GraphName
    tag: str
    as_of: AwareDatetime
    run_key: Sha256
    dvc_md5: str
    manifest_sha256: Sha256


def stamp(as_of: datetime) -> str:
    """Return a time as names carry it: YYYYMMDDTHHMMSSZ, in UTC (a colon is valid in no git ref)."""
    return as_of.astimezone(UTC).strftime(STAMP_FORMAT)


def snapshot_tag(graph: str, as_of: datetime, content_id: str) -> str:
    """Return the tag that publishes a snapshot."""
    return f"snap/{graph}/{stamp(as_of)}/{content_id[:12]}"


def split_tag(graph: str, as_of: datetime, run_key: str) -> str:
    """Return the tag that publishes a split."""
    return f"split/{graph}/{stamp(as_of)}/{run_key[:12]}"
