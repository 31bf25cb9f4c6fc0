"""The description that each tag of the data repository leads to, and checks before something is published."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pipeline.errors import InvalidInput, OutsideTrouble, TamperedRecord
from pipeline.origin.git import GitClone
from pipeline.records.format import Damaged, Written
from pipeline.records.manifest import write_manifest
from pipeline.snapshots.published import FILES, SNAPSHOT_KIND, Publication, PublishedSnapshot, PublishedSplit

Published = PublishedSnapshot | PublishedSplit
P = TypeVar("P", bound=Written)


def describe(clone: GitClone, revision: str, tag: str) -> Published:
    """Return what a fetched revision says of a tag.

    Raises:
        TamperedRecord: the description is not one that this pipeline writes.
    """
    return parse_description(clone.git("show", f"{revision}:{description_of(tag)}"), tag)


def description_of(tag: str) -> str:
    """Return the path of the file that describes what a tag publishes."""
    kind, graph, *_ = tag.split("/")
    return f"{graph}/{FILES[kind]}"


def parse_description(text: str, tag: str) -> Published:
    """Return what the text of a description says of a tag.

    Raises:
        NewerFormat: a newer version of the pipeline wrote it.
        TamperedRecord: the description is not one that this pipeline writes.
    """
    kind: type[Published] = PublishedSnapshot if tag.startswith(f"{SNAPSHOT_KIND}/") else PublishedSplit
    return _parsed(kind, text, f"{description_of(tag)} at {tag}")


def _parsed(kind: type[P], text: str, what: str) -> P:
    try:
        return kind.of_text(text, what)
    except Damaged as error:
        raise TamperedRecord(
            f"{what} is not what this pipeline writes: {error}. "
            f"`git log` in the data repository shows who wrote it; the commit before holds the good one."
        ) from error


def expect_same(found: Published, folder: Path) -> Publication:
    """Return what is published already, if it is this folder.

    Raises:
        InvalidInput: it has other bytes.
    """
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "copy"
        shutil.copytree(folder, copy)
        manifest_sha256 = write_manifest(copy)
    if manifest_sha256 != found.manifest_sha256:
        raise InvalidInput(
            f"{found.tag} is published already with other bytes (manifest {found.manifest_sha256[:12]}, here "
            f"{manifest_sha256[:12]}), so the same inputs gave two results. Compare the library versions of the two "
            f"machines with requirements.lock, or fetch the published files."
        )
    return Publication(found.tag, found.dvc_md5, found.manifest_sha256)


def expect_newest(clone: GitClone, tag: str, as_of: datetime, previous_tag: str | None) -> None:
    """Check that the newest snapshot on the clone's main is the one that this one was built on.

    Raises:
        InvalidInput: this as-of is published with another content.
        OutsideTrouble: another publisher came between.
    """
    path = clone.path / tag.split("/")[1] / FILES[SNAPSHOT_KIND]
    newest = (
        _parsed(PublishedSnapshot, path.read_text(), f"{path.parent.name}/{path.name} on main")
        if path.is_file()
        else None
    )
    found = newest.tag if newest else None
    # This very tag: another attempt pushed the same work since we looked. Our own push will find that.
    if found in (previous_tag, tag):
        return
    if newest is not None and newest.as_of == as_of:
        raise InvalidInput(
            f"{newest.graph} as of {as_of.isoformat()} is published already with another content, as {found}. What is "
            f"published does not change: deliver the other graph under a later as-of."
        )
    raise OutsideTrouble(
        f"The newest snapshot is {found} by now, but this one was built on {previous_tag}: another publisher came "
        f"between. Run the step again; it builds on the newest."
    )
