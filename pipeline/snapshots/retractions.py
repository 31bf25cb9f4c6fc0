"""Retractions: snapshots that were published by mistake; the next night is built on the last good one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pipeline.environment import whoami
from pipeline.errors import InvalidInput
from pipeline.origin.data_repository import BRANCH
from pipeline.origin.git import GitClone, GitOrigin, attempts
from pipeline.origin.shared_clone import shared_clone
from pipeline.snapshots.holds import expect_bytes, expect_published, given_reason
from pipeline.snapshots.journal import REFSPEC, Journal, stage
from pipeline.snapshots.journal_entries import Retracted
from pipeline.snapshots.published import FILES, FOLDERS, SNAPSHOT_KIND

MAIN = f"refs/remotes/origin/{BRANCH}"


class Retractions:
    """Takes snapshots back. Tags stay, and so does what was made from them."""

    def __init__(self, origin: GitOrigin, clock: Callable[[], datetime]) -> None:
        self._origin = origin
        self._clock = clock

    def retract(self, tag: str, reason: str) -> Retracted:
        """Take the newest snapshot of a graph back; if that was done already, return the entry that stands.

        One push enters it in the journal and leads main back to the snapshot before. So a publication that was built
        on it is refused at its push.

        Raises:
            InvalidInput: no such snapshot is published, a later one stands, the bytes of the one before are gone, or
                there is no reason.
        """
        wanted = Retracted(tag=tag, at=self._clock(), who=whoami(), reason=given_reason(reason))
        expect_published(self._origin, tag)
        if not tag.startswith(f"{SNAPSHOT_KIND}/"):
            raise InvalidInput(f"{tag} is a split. Name the snapshot that it was made from: it is retracted with it.")
        with shared_clone(self._origin) as clone:
            for _ in attempts():
                standing, journal = fetch_standing(clone, tag.split("/")[1], f"+refs/heads/{BRANCH}*:{MAIN}*")
                if tag in journal.retracted:
                    return journal.retracted[tag]
                if standing[-1] != tag:
                    raise InvalidInput(
                        f"{tag} is not the newest snapshot of its graph: later ones were built on it. Retract those "
                        f"first, the newest first: {standing[-1]}."
                    )
                before = standing[-2] if len(standing) > 1 else None
                if before is not None:
                    expect_bytes(journal, before)
                if clone.push(_main_at(clone, tag, before, wanted), stage(clone, wanted)):
                    return wanted
        raise AssertionError  # unreachable: attempts() ends by raising


def fetch_standing(clone: GitClone, graph: str, *refspecs: str) -> tuple[tuple[str, ...], Journal]:
    """Fetch a graph's snapshots, the journal and what else is named.

    Returns the tags that are not retracted, oldest as-of first, and the journal.
    """
    prefix = f"refs/tags/{SNAPSHOT_KIND}/{graph}/"
    clone.fetch_matching(f"+{prefix}*:{prefix}*", REFSPEC, *refspecs)
    journal = Journal.of(clone)
    tags = (name.removeprefix("refs/tags/") for name in clone.local_refs(prefix))
    return tuple(tag for tag in tags if tag not in journal.retracted), journal


def _main_at(clone: GitClone, tag: str, before: str | None, entry: Retracted) -> str:
    """Commit to main what it held of the graph at an earlier tag, or nothing; return the refspec that pushes it."""
    graph = tag.split("/")[1]
    names = (f"{FOLDERS[SNAPSHOT_KIND]}.dvc", ".gitignore", FILES[SNAPSHOT_KIND])
    paths = [f"{graph}/{name}" for name in names]
    found = clone.contents([f"refs/tags/{before}:{path}" for path in paths]) if before else {}
    files = {name.partition(":")[2]: text for name, text in found.items() if text is not None}
    removed = [path for path in paths if path not in files]
    commit = clone.commit_files(f"Retract {tag}: {entry.reason}", files, onto=f"{MAIN}^0", removed=removed)
    return f"{commit}:refs/heads/{BRANCH}"
