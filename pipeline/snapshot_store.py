"""The door to the data repository: snapshots and splits, tracked by DVC, published by a tag on the git origin."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from pipeline.data_repository import BRANCH, create_data_repository, write_file
from pipeline.dvc_clone import DvcClone
from pipeline.errors import InvalidInput
from pipeline.git_origin import GitClone, GitOrigin, attempts
from pipeline.manifest import MANIFEST, compare_digests, read_manifest, verify_manifest, write_manifest
from pipeline.publication import (
    FILES,
    FOLDERS,
    SNAPSHOT_KIND,
    SPLIT_KIND,
    Publication,
    Published,
    describe,
    expect_newest,
    expect_same,
    fetch_description,
)
from pipeline.published_snapshot import PublishedSnapshot, PublishedSplit, snapshot_tag, split_tag, stamp
from pipeline.records import sha256_of_file


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
            return tuple(_snapshot(describe(clone, f"refs/tags/{tag}", tag)) for tag in tags)

    def latest(self, graph: str, *, before: datetime | None = None) -> PublishedSnapshot | None:
        """Return the published snapshot with the latest as-of, of those before a time where one is given."""
        tags = [tag for tag in self._tags(graph) if before is None or tag.split("/")[2] < stamp(before)]
        if not tags:
            return None
        with self._origin.clone() as clone:
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
                return expect_same(fetch_description(clone, tag), folder)
            expect_newest(clone, tag, as_of, previous_tag)
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
                    return expect_same(fetch_description(clone, tag), folder)
                expect_newest(clone, tag, as_of, previous_tag)
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
                    return expect_same(fetch_description(clone, tag), folder)
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
            published = fetch_description(clone, tag)
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


def _snapshot(published: Published) -> PublishedSnapshot:
    if isinstance(published, PublishedSnapshot):
        return published
    raise TypeError(published.tag)


def _pointers(clone: GitClone, graph: str, kind: str) -> dict[str, str]:
    """Return the files that DVC left for git, to be written again on whatever main has become."""
    names = (f"{graph}/{FOLDERS[kind]}.dvc", f"{graph}/.gitignore")
    return {name: (clone.path / name).read_text() for name in names}


def _commit(clone: GitClone, files: dict[str, str], tag: str, message: str) -> None:
    for name, content in files.items():
        write_file(clone.path / name, content)
    clone.commit(message, *files)
    clone.git("tag", "--force", "--annotate", "--message", message, tag)
