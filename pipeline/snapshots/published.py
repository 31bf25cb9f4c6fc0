"""The descriptions of published snapshots and splits: `<graph>/snapshot.json`, `<graph>/split.json` at a tag."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import AwareDatetime

from pipeline.records.format import Written
from pipeline.records.names import stamp
from pipeline.records.part import GraphName, Sha256

SNAPSHOT_KIND = "snap"
SPLIT_KIND = "split"


class PublishedSnapshot(Written):
    """One published snapshot: all that tonight's checks need to know of an earlier night.

    The number of its format is that of the data folder as well: it is raised when the folder's files change their form.
    """

    FORMAT = 4  # 3: the folders repeats/ and late/; 4: events may say which way they went

    graph: GraphName
    tag: str
    as_of: AwareDatetime
    content_id: Sha256
    source_sha256: Sha256
    num_edges: int
    previous_tag: str | None
    dvc_md5: str
    manifest_sha256: Sha256


class PublishedSplit(Written):
    """One published split; the number of its format is that of the split's files as well."""

    FORMAT = 3  # 3: the file is compressed

    graph: GraphName
    tag: str
    as_of: AwareDatetime
    run_key: Sha256
    dvc_md5: str
    manifest_sha256: Sha256


def snapshot_tag(graph: str, as_of: datetime, content_id: str) -> str:
    """Return the tag that publishes a snapshot."""
    return f"{SNAPSHOT_KIND}/{graph}/{stamp(as_of)}/{content_id[:12]}"


def split_tag(graph: str, as_of: datetime, run_key: str) -> str:
    """Return the tag that publishes a split."""
    return f"{SPLIT_KIND}/{graph}/{stamp(as_of)}/{run_key[:12]}"


# By the first word of a tag: the tracked folder and its description, both below the graph's folder.
FOLDERS = {SNAPSHOT_KIND: "data", SPLIT_KIND: "split"}
FILES = {SNAPSHOT_KIND: "snapshot.json", SPLIT_KIND: "split.json"}


@dataclass(frozen=True)
class Publication:
    """Where published bytes are found, and the digests that verify them."""

    tag: str
    dvc_md5: str
    manifest_sha256: str
