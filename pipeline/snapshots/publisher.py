"""Publishing in write-ahead order: copy, manifest, DVC push, read back, commit and tag, one atomic git push.

A process that is killed before the push leaves objects that nothing refers to; the next attempt finds and uses them.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.environment import whoami
from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.origin.data_repository import BRANCH, write_file
from pipeline.origin.git import GitClone, GitOrigin, attempts
from pipeline.records.digests import sha256_of_file, sha256_of_text
from pipeline.records.manifest import MANIFEST, compare_digests, read_manifest, write_manifest
from pipeline.snapshots import collection_watch
from pipeline.snapshots.collection_watch import CollectionWatch
from pipeline.snapshots.description import Published, describe, expect_same
from pipeline.snapshots.dvc_clone import DvcClone
from pipeline.snapshots.journal import REFSPEC, Journal, stage
from pipeline.snapshots.journal_entries import BytesRestored, TagPublished
from pipeline.snapshots.published import FILES, FOLDERS, Publication

logger = logging.getLogger(__name__)
ROUNDS = 3
FETCHED_TAGS = "refs/found/"


@dataclass(frozen=True)
class Work:
    """Something to publish: its files, its tag, its description, and what must hold of main beforehand.

    described: makes the description, given dvc_md5 and manifest_sha256. on_main: whether main gets the commit too.
    """

    folder: Path
    tag: str
    message: str
    described: Callable[..., Published]
    expect: Callable[[GitClone], None]
    on_main: bool

    @property
    def kind(self) -> str:
        """The first word of the tag: snap or split."""
        return self.tag.split("/")[0]

    @property
    def graph(self) -> str:
        """The graph it belongs to."""
        return self.tag.split("/")[1]


@dataclass(frozen=True)
class _Seen:
    """What the origin held when it was last looked at."""

    journal: Journal
    published: Publication | None


class Publisher:
    """Publishes while others publish and collect garbage; nothing is lost.

    The journal is read before anything is uploaded, and the final push is refused if it has moved since. If another
    publication moved it, only the push is repeated. A collection may have deleted objects that were found on the
    remote. Then everything is uploaded and verified again, in a fresh clone: the index of a used clone still lists the
    deleted objects.
    """

    def __init__(self, origin: GitOrigin, cache: Path, clock: Callable[[], datetime]) -> None:
        self._origin = origin
        self._cache = cache
        self._clock = clock

    def publish(self, work: Work) -> Publication:
        """Publish; if the same bytes are published already, return that publication.

        Raises:
            InvalidInput: it is published with other bytes.
            OutsideTrouble: garbage collections came again and again, or the origin or the remote cannot be reached.
            TamperedRecord: the DVC remote does not hold the bytes that were sent.
        """
        for _ in range(ROUNDS):
            with self._origin.clone() as clone:
                publication = self._round(clone, work)
            if publication is not None:
                return publication
            logger.info("a garbage collection came between: uploading %s again", work.tag)
        raise OutsideTrouble(
            f"{ROUNDS} garbage collections began while {work.tag} was uploaded. "
            f"Let `ncnc snapshots gc` rest for a while, and run the step again."
        )

    def _round(self, clone: GitClone, work: Work) -> Publication | None:
        """Upload and push once; None if a garbage collection came between."""
        seen = self._wait_for_collections(clone, work)
        collected = work.tag in seen.journal.collected
        if seen.published is not None and not collected:
            return seen.published
        if not collected:
            work.expect(clone)
        publication = upload(clone, self._cache, work)
        if collected and publication != seen.published:
            raise InvalidInput(
                f"{work.tag} was collected, and its files are listed as {publication.dvc_md5} now, not as the tag "
                f"says. Publish it with the DVC version that published it first, or under a later as-of."
            )
        pointers = pointers_of(clone, work)
        for attempt in attempts():
            if attempt:
                now = self._look(clone, work)
                if now.journal.collections != seen.journal.collections:
                    return None
                if now.published is not None and not collected:
                    return now.published
                if not collected:
                    work.expect(clone)
            # A collected snapshot keeps its tag, which describes these same bytes.
            pushed = (
                (stage(clone, BytesRestored(tag=work.tag, at=self._clock(), who=whoami())),)
                if collected
                else self._committed(clone, work, publication, pointers)
            )
            if clone.push(*pushed):
                return publication
        raise AssertionError  # unreachable: attempts() ends by raising

    def _committed(
        self, clone: GitClone, work: Work, publication: Publication, pointers: dict[str, str]
    ) -> tuple[str, ...]:
        """Commit and tag on top of main as just fetched, and return the refspecs of the one push."""
        described = work.described(dvc_md5=publication.dvc_md5, manifest_sha256=publication.manifest_sha256)
        description = described.as_written(indent=2)
        files = pointers | {f"{work.graph}/{FILES[work.kind]}": description}
        for name, content in files.items():
            write_file(clone.path / name, content)
        clone.commit(work.message, *files)
        clone.git("tag", "--force", "--annotate", "--message", work.message, work.tag)
        digest = sha256_of_text(description)
        entry = TagPublished(graph=work.graph, tag=work.tag, at=self._clock(), who=whoami(), description_sha256=digest)
        main = (f"HEAD:refs/heads/{BRANCH}",) if work.on_main else ()
        return (*main, f"refs/tags/{work.tag}", stage(clone, entry))

    def _wait_for_collections(self, clone: GitClone, work: Work) -> _Seen:
        watch = CollectionWatch(self._origin, self._clock)
        while not watch.over((seen := self._look(clone, work)).journal):
            collection_watch.pause()
        return seen

    def _look(self, clone: GitClone, work: Work) -> _Seen:
        """Fetch main, the journal and the tag in one go, and check main out; refuse what was retracted."""
        tag = f"refs/tags/{work.tag}"
        # Patterns: a ref that does not exist yet is no error.
        clone.fetch_matching(
            f"+refs/heads/{BRANCH}*:refs/remotes/origin/{BRANCH}*", REFSPEC, f"+{tag}*:{FETCHED_TAGS}{tag}*"
        )
        fetched = clone.local_refs("refs")
        if f"refs/remotes/origin/{BRANCH}" not in fetched:
            raise InvalidInput("The data repository is empty. Run `ncnc snapshots init` once to set it up.")
        clone.git("checkout", "--quiet", "--force", "--no-track", "-B", BRANCH, f"refs/remotes/origin/{BRANCH}")
        found, journal = None, Journal.of(clone)
        if (taken_back := journal.retracted.get(work.tag)) is not None:
            raise InvalidInput(
                f"{work.tag} was {taken_back.in_words}, and what is retracted is not published again. Deliver the "
                f"right graph under another as-of."
            )
        if FETCHED_TAGS + tag in fetched:
            found = expect_same(describe(clone, FETCHED_TAGS + tag, work.tag), work.folder)
        return _Seen(journal, found)


def upload(clone: GitClone, cache: Path, work: Work) -> Publication:
    """Copy a folder into the clone, push it through DVC, and compare what the remote holds with the manifest."""
    name = f"{work.graph}/{FOLDERS[work.kind]}"
    copy = clone.path / name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(work.folder, copy)
    if not (copy / MANIFEST).is_file():
        write_manifest(copy)
    expected, manifest_sha256 = read_manifest(copy), sha256_of_file(copy / MANIFEST)
    dvc = DvcClone(clone.path, cache)
    md5 = dvc.add_and_push(name)
    compare_digests(dvc.read_back(md5), expected | {MANIFEST: manifest_sha256}, work.tag)
    return Publication(work.tag, md5, manifest_sha256)


def pointers_of(clone: GitClone, work: Work) -> dict[str, str]:
    """Return the files that DVC made for git; each attempt to push writes them again on top of the newest main."""
    names = (f"{work.graph}/{FOLDERS[work.kind]}.dvc", f"{work.graph}/.gitignore")
    return {name: (clone.path / name).read_text() for name in names}
