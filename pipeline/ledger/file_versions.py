"""The versions that a ledger file had in git: a ledger only grows, so each is a beginning of the file of today."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from pipeline.ledger.chained_lines import lines_of
from pipeline.origin.git import GitClone


@dataclass(frozen=True)
class FileVersion:
    """What one commit holds of a file: git's id of the bytes, and how many there are."""

    commit: str
    blob: str
    size: int


def versions_of(clone: GitClone, tip: str, path: str) -> tuple[FileVersion, ...]:
    """Return what each commit that a fetched one stands on holds of a file, the newest first; no bytes are read."""
    commits = clone.git("rev-list", "--topo-order", tip).split()
    answers = clone.git("cat-file", "--batch-check", stdin="".join(f"{commit}:{path}\n" for commit in commits))
    found = []
    for commit, answer in zip(commits, answers.splitlines(), strict=True):
        if not answer.endswith((" missing", " ambiguous")):
            blob, _, size = answer.split(" ")
            found.append(FileVersion(commit, blob, int(size)))
    return tuple(found)


def newest_lost(versions: Sequence[FileVersion], text: str) -> FileVersion | None:
    """Return the newest version that is no beginning of a text; None where all are, as in a file that only grew."""
    content = text.encode(errors="surrogateescape")
    known: set[tuple[str, int]] = set()
    for version in versions:
        if (version.blob, version.size) in known:
            continue
        if version.size > len(content) or _blob_id(content[: version.size], version.blob) != version.blob:
            return version
        known.add((version.blob, version.size))
    return None


def lost_in_words(before: str, now: str) -> str:
    """Return what an earlier version of a file says and today's does not, for a person."""
    older, newer = lines_of(before), lines_of(now)
    same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(older, newer, strict=False))))
    return f"{len(older)} lines, of which today's file has the first {same} and then other ones or none"


def _blob_id(content: bytes, like: str) -> str:
    """Return git's id of a file's bytes, by the algorithm of another id."""
    digest = hashlib.new("sha1" if len(like) == 40 else "sha256", usedforsecurity=False)
    digest.update(b"blob %d\0" % len(content))
    digest.update(content)
    return digest.hexdigest()
