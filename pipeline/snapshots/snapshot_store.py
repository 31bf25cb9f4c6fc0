"""The door to the data repository: snapshots and splits, tracked by DVC and published by a tag on the git origin."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pipeline.errors import InvalidInput
from pipeline.origin.data_repository import create_data_repository
from pipeline.origin.git import GitClone, GitOrigin
from pipeline.origin.shared_clone import shared_clone
from pipeline.records.digests import sha256_of_text
from pipeline.records.manifest import verify_manifest
from pipeline.records.names import stamp
from pipeline.snapshots.description import (
    Published,
    description_of,
    expect_newest,
    fetch_description,
    parse_description,
)
from pipeline.snapshots.dvc_clone import DvcClone
from pipeline.snapshots.garbage_collection import Collector
from pipeline.snapshots.holds import Holds, expect_bytes, expect_published
from pipeline.snapshots.journal import REFSPEC, Journal, published_digest
from pipeline.snapshots.published import (
    FOLDERS,
    SNAPSHOT_KIND,
    Publication,
    PublishedSnapshot,
    PublishedSplit,
    snapshot_tag,
    split_tag,
)
from pipeline.snapshots.publisher import Publisher, Work


class SnapshotStore:
    """Published snapshots and splits. Something is published if and only if its tag is on the origin."""

    def __init__(self, origin: str, home: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._origin = GitOrigin(origin, home)
        self._cache = home.absolute() / "dvc-cache"
        self._clock = clock
        self._publisher = Publisher(self._origin, self._cache, clock)
        self.holds = Holds(self._origin, clock)
        self.collector = Collector(self._origin, self._cache, clock)

    @classmethod
    def create(cls, origin: str, dvc_remote: str) -> None:
        """Make a data repository: the bare repository where the origin is a path, and its first commit.

        Raises:
            InvalidInput: it exists already, with another DVC remote.
        """
        create_data_repository(origin, dvc_remote)

    def list(self, graph: str) -> tuple[PublishedSnapshot, ...]:
        """Return every published snapshot of a graph, oldest as-of first, including collected ones."""
        with shared_clone(self._origin) as clone:
            return _fetch_snapshots(clone, graph)

    def list_with_journal(self, graph: str) -> tuple[tuple[PublishedSnapshot, ...], Journal]:
        """Return the answers of `list` and `journal`, read in one fetch."""
        with shared_clone(self._origin) as clone:
            return _fetch_snapshots(clone, graph, REFSPEC), Journal.of(clone)

    def journal(self) -> Journal:
        """Return the journal of holds and garbage collections."""
        with shared_clone(self._origin) as clone:
            clone.fetch_matching(REFSPEC)
            return Journal.of(clone)

    def latest(self, graph: str, *, before: datetime | None = None) -> PublishedSnapshot | None:
        """Return the published snapshot with the latest as-of; with `before`, the latest before that time."""
        tags = [tag for tag in self._tags(graph) if before is None or tag.split("/")[2] < stamp(before)]
        if not tags:
            return None
        with shared_clone(self._origin) as clone:
            return _snapshot(fetch_description(clone, tags[-1]))

    def publish(
        self,
        folder: Path,
        *,
        graph: str,
        as_of: datetime,
        content_id: str,
        source_sha256: str,
        num_edges: int,
        previous_tag: str | None,
    ) -> Publication:
        """Publish a snapshot's folder; if it is published already, return that publication.

        Raises:
            InvalidInput: this as-of is published with another content.
            OutsideTrouble: another publisher came first, so that `previous_tag` is no longer the newest.
            TamperedRecord: the DVC remote does not hold the bytes that were sent.
        """
        tag = snapshot_tag(graph, as_of, content_id)
        described = partial(
            PublishedSnapshot,
            graph=graph,
            tag=tag,
            as_of=as_of,
            content_id=content_id,
            source_sha256=source_sha256,
            num_edges=num_edges,
            previous_tag=previous_tag,
        )
        return self._publisher.publish(
            Work(
                folder=folder,
                tag=tag,
                message=f"Publish {tag}: {num_edges} edges",
                described=described,
                expect=lambda clone: expect_newest(clone, tag, as_of, previous_tag),
                on_main=True,
            )
        )

    def publish_split(self, folder: Path, *, graph: str, as_of: datetime, run_key: str) -> Publication:
        """Publish a split's folder on a commit that only its tag leads to; if it is published already, return that.

        Raises:
            InvalidInput: this run's split is published with other bytes.
            TamperedRecord: the DVC remote does not hold the bytes that were sent.
        """
        tag = split_tag(graph, as_of, run_key)
        return self._publisher.publish(
            Work(
                folder=folder,
                tag=tag,
                message=f"Publish {tag}",
                described=partial(PublishedSplit, graph=graph, tag=tag, as_of=as_of, run_key=run_key),
                expect=lambda _: None,
                on_main=False,
            )
        )

    def fetch(self, tag: str, destination: Path) -> Path:
        """Fetch the files of a snapshot or a split into an absent or empty folder, and verify every byte.

        Raises:
            InvalidInput: no such tag is published, its bytes were collected, or the destination is not empty.
            TamperedRecord: a file differs from what was published; the message names it, and nothing is left there.
        """
        if destination.exists() and any(destination.iterdir()):
            raise InvalidInput(f"{destination} is not empty. Name a folder that is absent or empty.")
        expect_published(self._origin, tag)
        with self._origin.clone() as clone:
            published = self._described(clone, tag)
            expect_bytes(Journal.of(clone), tag)
            name = f"{published.graph}/{FOLDERS[tag.partition('/')[0]]}"
            DvcClone(clone.path, self._cache).bring(name, published.dvc_md5)
            verify_manifest(clone.path / name, published.manifest_sha256, tag)
            destination.parent.mkdir(parents=True, exist_ok=True)
            if destination.exists():
                destination.rmdir()
            shutil.move(clone.path / name, destination)
        return destination

    def description_digests(self, tag: str) -> tuple[str | None, str | None]:
        """Return the digests of the description that a tag was published with, by the journal, and that it has now.

        None: the journal does not say, or there is no such tag.
        """
        with shared_clone(self._origin) as clone:
            clone.fetch_matching(f"+refs/tags/{tag}*:refs/tags/{tag}*", REFSPEC)
            name = f"refs/tags/{tag}:{description_of(tag)}"
            text = clone.contents([name])[name]
            return published_digest(clone, tag), None if text is None else sha256_of_text(text)

    def describe(self, tag: str) -> tuple[Published, dict[str, int | None], Journal]:
        """Return what is published under a tag, the size of each file on the remote, and the journal.

        If the bytes were collected, no file is named. The size of a file that the remote lacks is None.

        Raises:
            InvalidInput: no such tag is published.
        """
        expect_published(self._origin, tag)
        with self._origin.clone() as clone:
            published = self._described(clone, tag)
            journal = Journal.of(clone)
            if tag in journal.collected:
                return published, {}, journal
            with DvcClone(clone.path, self._cache).objects() as remote:
                files = remote.files_of(published.dvc_md5)
                sizes = remote.sizes(files.values())
            return published, {path: sizes[name] for path, name in sorted(files.items())}, journal

    def _described(self, clone: GitClone, tag: str) -> Published:
        """Fetch a tag and the journal, check the tag out, and return its description."""
        clone.fetch_matching(f"+refs/tags/{tag}*:refs/tags/{tag}*", REFSPEC)
        clone.git("checkout", "--quiet", "--force", "--detach", f"refs/tags/{tag}")
        return parse_description((clone.path / description_of(tag)).read_text(), tag)

    def _tags(self, graph: str) -> tuple[str, ...]:
        prefix = f"refs/tags/{SNAPSHOT_KIND}/{graph}/"
        return tuple(sorted(name.removeprefix("refs/tags/") for name in self._origin.refs(f"{prefix}*")))


def _fetch_snapshots(clone: GitClone, graph: str, *others: str) -> tuple[PublishedSnapshot, ...]:
    """Fetch every snapshot of a graph, and other refspecs, and return the descriptions."""
    prefix = f"refs/tags/{SNAPSHOT_KIND}/{graph}/"
    clone.fetch_matching(f"+{prefix}*:{prefix}*", *others)
    tags = [name.removeprefix("refs/tags/") for name in clone.local_refs(prefix)]
    # One git process for all of them: one for each would take seconds after a few years of nights.
    texts = clone.contents([f"refs/tags/{tag}:{description_of(tag)}" for tag in tags]) if tags else {}
    return tuple(_snapshot(parse_description(text or "", tag)) for tag, text in zip(tags, texts.values(), strict=True))


def _snapshot(published: Published) -> PublishedSnapshot:
    if isinstance(published, PublishedSnapshot):
        return published
    raise TypeError(published.tag)
