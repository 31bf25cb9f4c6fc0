"""Holds: tags that someone keeps from garbage collection, and why; they are entries of the journal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pipeline.environment import whoami
from pipeline.errors import InvalidInput
from pipeline.origin.git import GitOrigin
from pipeline.snapshots.journal import Journal, append
from pipeline.snapshots.journal_entries import Hold, Release
from pipeline.snapshots.published import FOLDERS


class Holds:
    """Adds and ends holds. A tag has one hold at a time; a new one replaces it."""

    def __init__(self, origin: GitOrigin, clock: Callable[[], datetime]) -> None:
        self._origin = origin
        self._clock = clock

    def hold(self, tag: str, reason: str) -> Hold:
        """Keep a tag's bytes, and those of its whole night, from every collection until it is released.

        Raises:
            InvalidInput: no such tag is published, its bytes were collected, or there is no reason.
        """
        expect_published(self._origin, tag)
        wanted = Hold(tag=tag, at=self._clock(), who=whoami(), reason=given_reason(reason))
        standing: list[Hold] = []

        def entry(journal: Journal) -> Hold | None:
            expect_bytes(journal, tag)
            held = journal.holds.get(tag)
            standing[:] = [held] if held is not None and held.reason == wanted.reason else []
            return None if standing else wanted

        append(self._origin, entry)
        return standing[0] if standing else wanted

    def release(self, tag: str, reason: str) -> Release:
        """End a hold.

        Raises:
            InvalidInput: the tag is not held, or there is no reason.
        """
        wanted = Release(tag=tag, at=self._clock(), who=whoami(), reason=given_reason(reason))

        def entry(journal: Journal) -> Release:
            if tag not in journal.holds:
                raise InvalidInput(
                    f"{tag} is not held. Held are: {', '.join(sorted(journal.holds)) or 'none'}. Give one that is, as "
                    f"`ncnc snapshots list GRAPH` shows them."
                )
            return wanted

        append(self._origin, entry)
        return wanted


def expect_published(origin: GitOrigin, tag: str) -> None:
    """Check that a tag is on the origin.

    Raises:
        InvalidInput: it is not.
    """
    if tag.partition("/")[0] not in FOLDERS or not origin.refs(f"refs/tags/{tag}"):
        raise InvalidInput(f"No snapshot or split is published as {tag}. `ncnc snapshots list GRAPH` shows the tags.")


def expect_bytes(journal: Journal, tag: str) -> None:
    """Check that a tag's bytes were not collected.

    Raises:
        InvalidInput: they were; the message says when, by whom and why.
    """
    if (gone := journal.collected.get(tag)) is not None:
        raise InvalidInput(
            f"The bytes of {tag} were collected on {gone.at:%Y-%m-%d %H:%M} by {gone.who} ({gone.reason}). `ncnc "
            f"snapshots show` still describes it; its files are gone. Take another snapshot (`ncnc snapshots list "
            f"GRAPH` shows them), deliver that graph again under a later as-of, or restore the remote's objects from "
            f"backup and read them with plain `dvc get`."
        )


def given_reason(reason: str) -> str:
    """Return a reason on one line.

    Raises:
        InvalidInput: it is empty.
    """
    if not reason.strip():
        raise InvalidInput(f"The journal needs a reason, but got {reason!r}. Say it with --reason.")
    return " ".join(reason.split())
