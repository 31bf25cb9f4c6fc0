"""The door to the data repository: snapshots and splits, tracked by DVC, published by a tag on the git origin."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from pipeline.data_repository import BRANCH, create_data_repository, write_file
from pipeline.dvc_clone import DvcClone
from pipeline.errors import InvalidInput, OutsideTrouble, TamperedRecord
from pipeline.git_origin import GitClone, GitOrigin, attempts
from pipeline.manifest import MANIFEST, compare_digests, read_manifest, verify_manifest, write_manifest
from pipeline.published_snapshot import PublishedSnapshot, PublishedSplit, snapshot_tag, split_tag, stamp
from pipeline.records import sha256_of_file

Published = PublishedSnapshot | PublishedSplit
SNAPSHOT_KIND = "snap"
SPLIT_KIND = "split"
FOLDERS = {SNAPSHOT_KIND: "data", SPLIT_KIND: "split"}
FILES = {SNAPSHOT_KIND: "snapshot.json", SPLIT_KIND: "split.json"}


@dataclass(frozen=True)
class Publication:
    """Where published bytes are found, and what proves them."""

    tag: str
    dvc_md5: str
    manifest_sha256: str


class SnapshotStore:
    """Published snapshots and splits. Something is published if and only if its tag is on the origin.

    Published in write-ahead order: copy, manifest, DVC push, read back, commit and tag, one atomic git push. A process
    killed at any point before the last leaves objects that nobody refers to, and the next try finds them there.
    """

    def __init__(self, origin: str, home: Path) -> None:
        self._origin = GitOrigin(origin, home)
        self._cache = home.absolute() / "dvc-cache"

    @classmethod
    def create(cls, origin: str, dvc_remote: str) -> None:
        """Make a data repository: the bare repository where the origin is a path, and its first commit.

        Raises:
            InvalidInput: it is there already, with another DVC remote.
        """
        create_data_repository(origin, dvc_remote)

    def list(self, graph: str) -> tuple[PublishedSnapshot, ...]:
        """Return every published snapshot of a graph, oldest as-of first."""
        with self._origin.clone() as clone:
            tags = self._tags(graph)
            if tags:
                clone.fetch(f"+refs/tags/{SNAPSHOT_KIND}/{graph}/*:refs/tags/{SNAPSHOT_KIND}/{graph}/*")
            return tuple(_snapshot(_describe(clone, f"refs/tags/{tag}", tag)) for tag in tags)

    def latest(self, graph: str, *, before: datetime | None = None) -> PublishedSnapshot | None:
        """Return the published snapshot with the latest as-of, of those before a time where one is given."""
        tags = [tag for tag in self._tags(graph) if before is None or tag.split("/")[2] < stamp(before)]
        if not tags:
            return None
        with self._origin.clone() as clone:
            return _snapshot(_fetch(clone, tags[-1]))

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
        """Publish a snapshot's folder; published already, it is left as it is and returned.

        Raises:
            InvalidInput: this as-of is published with another content.
            OutsideTrouble: another publisher came between, so that `previous_tag` is no longer the newest.
            TamperedRecord: the DVC remote does not hold the bytes that were sent.
        """
        tag = snapshot_tag(graph, as_of, content_id)
        with self._origin.clone() as clone:
            _fetch_main(clone)
            if self._is_published(tag):
                return _same(_fetch(clone, tag), folder)
            _expect_newest(clone, tag, as_of, previous_tag)
            publication = self._upload(clone, folder, f"{graph}/{FOLDERS[SNAPSHOT_KIND]}", tag)
            pointers = _pointers(clone, graph, SNAPSHOT_KIND)
            pointers[f"{graph}/{FILES[SNAPSHOT_KIND]}"] = PublishedSnapshot(
                graph=graph,
                tag=tag,
                as_of=as_of,
                content_id=content_id,
                source_sha256=source_sha256,
                num_edges=num_edges,
                previous_tag=previous_tag,
                dvc_md5=publication.dvc_md5,
                manifest_sha256=publication.manifest_sha256,
            ).model_dump_json(indent=2)
            for _ in attempts():
                _fetch_main(clone)
                if self._is_published(tag):
                    return _same(_fetch(clone, tag), folder)
                _expect_newest(clone, tag, as_of, previous_tag)
                _commit(clone, pointers, tag, f"Publish {tag}: {num_edges} edges")
                if clone.push(f"HEAD:refs/heads/{BRANCH}", f"refs/tags/{tag}"):
                    return publication
        raise AssertionError  # unreachable: attempts() ends by raising

    def publish_split(self, folder: Path, *, graph: str, as_of: datetime, run_key: str) -> Publication:
        """Publish a split's folder on a commit that only its tag leads to; published already, it is left and returned.

        Raises:
            InvalidInput: this run's split is published with other bytes.
            TamperedRecord: the DVC remote does not hold the bytes that were sent.
        """
        tag = split_tag(graph, as_of, run_key)
        with self._origin.clone() as clone:
            _fetch_main(clone)
            for _ in attempts():
                if self._is_published(tag):
                    return _same(_fetch(clone, tag), folder)
                publication = self._upload(clone, folder, f"{graph}/{FOLDERS[SPLIT_KIND]}", tag)
                pointers = _pointers(clone, graph, SPLIT_KIND)
                pointers[f"{graph}/{FILES[SPLIT_KIND]}"] = PublishedSplit(
                    graph=graph,
                    tag=tag,
                    as_of=as_of,
                    run_key=run_key,
                    dvc_md5=publication.dvc_md5,
                    manifest_sha256=publication.manifest_sha256,
                ).model_dump_json(indent=2)
                _commit(clone, pointers, tag, f"Publish {tag}")
                if clone.push(f"refs/tags/{tag}"):
                    return publication
        raise AssertionError  # unreachable: attempts() ends by raising

    def fetch(self, tag: str, destination: Path) -> Path:
        """Bring a snapshot's or a split's files into an absent or empty folder, every byte verified.

        Raises:
            InvalidInput: no such tag is published, or the destination holds something.
            TamperedRecord: a file differs from what was published; it is named, and nothing is left there.
        """
        if destination.exists() and any(destination.iterdir()):
            raise InvalidInput(f"{destination} is not empty. Name a folder that is absent or empty.")
        kind, _, rest = tag.partition("/")
        if kind not in FOLDERS or not self._origin.refs(f"refs/tags/{tag}"):
            raise InvalidInput(
                f"No snapshot or split is published as {tag}. `ncnc snapshots list GRAPH` shows the tags."
            )
        with self._origin.clone() as clone:
            published = _fetch(clone, tag)
            clone.git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD")
            name = f"{rest.partition('/')[0]}/{FOLDERS[kind]}"
            DvcClone(clone.path, self._cache).bring(name, published.dvc_md5)
            verify_manifest(clone.path / name, published.manifest_sha256, tag)
            destination.parent.mkdir(parents=True, exist_ok=True)
            if destination.exists():
                destination.rmdir()
            shutil.move(clone.path / name, destination)
        return destination

    def _is_published(self, tag: str) -> bool:
        return bool(self._origin.refs(f"refs/tags/{tag}"))

    def _tags(self, graph: str) -> tuple[str, ...]:
        prefix = f"refs/tags/{SNAPSHOT_KIND}/{graph}/"
        return tuple(sorted(name.removeprefix("refs/tags/") for name in self._origin.refs(f"{prefix}*")))

    def _upload(self, clone: GitClone, folder: Path, name: str, tag: str) -> Publication:
        """Copy a folder into the clone, push it through DVC, and compare what the remote holds with the manifest."""
        copy = clone.path / name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        if not (copy / MANIFEST).is_file():
            write_manifest(copy)
        expected, manifest_sha256 = read_manifest(copy), sha256_of_file(copy / MANIFEST)
        dvc = DvcClone(clone.path, self._cache)
        md5 = dvc.add_and_push(name)
        compare_digests(dvc.read_back(md5), expected | {MANIFEST: manifest_sha256}, tag)
        return Publication(tag, md5, manifest_sha256)


def _fetch_main(clone: GitClone) -> None:
    if not clone.fetch_branch(BRANCH):
        raise InvalidInput("The data repository is empty. Run `ncnc snapshots init` once to set it up.")


def _fetch(clone: GitClone, tag: str) -> Published:
    clone.fetch(f"refs/tags/{tag}")
    return _describe(clone, "FETCH_HEAD", tag)


def _describe(clone: GitClone, revision: str, tag: str) -> Published:
    kind, graph, *_ = tag.split("/")
    model: type[Published] = PublishedSnapshot if kind == SNAPSHOT_KIND else PublishedSplit
    text = clone.git("show", f"{revision}:{graph}/{FILES[kind]}")
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise TamperedRecord(
            f"{graph}/{FILES[kind]} at {tag} is not what this pipeline writes: {error.errors()[0]['msg']}. "
            f"`git log` in the data repository shows who wrote it."
        ) from error


def _snapshot(published: Published) -> PublishedSnapshot:
    if isinstance(published, PublishedSnapshot):
        return published
    raise TypeError(published.tag)


def _expect_newest(clone: GitClone, tag: str, as_of: datetime, previous_tag: str | None) -> None:
    """Check that the newest snapshot on main is the one that this one was built on."""
    path = clone.path / tag.split("/")[1] / FILES[SNAPSHOT_KIND]
    newest = PublishedSnapshot.model_validate_json(path.read_text()) if path.is_file() else None
    found = newest.tag if newest else None
    # This very tag: the same work, pushed by another try since we looked; our own push will say so.
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


def _same(found: Published, folder: Path) -> Publication:
    """Return what is published already, if it is this folder."""
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


def _pointers(clone: GitClone, graph: str, kind: str) -> dict[str, str]:
    """Return the files that DVC left for git, to be written again on whatever main has become."""
    names = (f"{graph}/{FOLDERS[kind]}.dvc", f"{graph}/.gitignore")
    return {name: (clone.path / name).read_text() for name in names}


def _commit(clone: GitClone, files: dict[str, str], tag: str, message: str) -> None:
    for name, content in files.items():
        write_file(clone.path / name, content)
    clone.commit(message, *files)
    clone.git("tag", "--force", "--annotate", "--message", message, tag)
