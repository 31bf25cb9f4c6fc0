"""The ledger: what came of each night and every alias move, kept as commits in the data repository."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.errors import TamperedRecord
from pipeline.ledger.chained_lines import appended, broken_link, lines_of
from pipeline.ledger.entries import Entry, NightEntry, read_entry, repeats
from pipeline.ledger.file_versions import lost_in_words, newest_lost, versions_of
from pipeline.ledger.subjects import subject_of
from pipeline.origin.git import GitClone, GitOrigin, attempts
from pipeline.origin.shared_clone import shared_clone
from pipeline.records.format import Damaged

BRANCH = "ledger"
Made = Callable[[tuple[Entry, ...]], Sequence[Entry]]


class Ledger:
    """An append-only list of entries per graph: branch `ledger`, file `<graph>.jsonl`, one commit a change."""

    def __init__(self, origin: str, home: Path) -> None:
        self._origin = GitOrigin(origin, home)

    def append(self, entry: Entry) -> None:
        """Append an entry; a retry of the newest one about the same run or alias appends nothing.

        Raises:
            OutsideTrouble: the origin cannot be reached.
        """
        self.append_made(entry.graph, lambda entries: () if repeats(entries, entry) else (entry,))

    def append_made(self, graph: str, made: Made) -> tuple[Entry, ...]:
        """Append what is made for the ledger as it stands, all of it in one commit or nothing, and return it.

        This is the compare-and-set: a push that another one overtook is refused, the ledger is read anew, and the
        entries are made anew for it. What `made` raises goes on to the caller, and nothing was appended.

        Raises:
            OutsideTrouble: the origin cannot be reached.
            TamperedRecord: a line was changed or removed.
        """
        name = f"{graph}.jsonl"
        with shared_clone(self._origin) as clone:
            for _ in attempts():
                tip = clone.fetch_tip(BRANCH)
                text = _text(clone, tip, name)
                new = tuple(made(_entries(name, text)))
                if not new:
                    return ()
                commit = clone.commit_files(subject_of(new), {name: appended(text or "", new)}, onto=tip)
                if clone.push(f"{commit}:refs/heads/{BRANCH}"):
                    return new
        raise AssertionError  # unreachable: attempts() ends by raising

    def entries(self, graph: str) -> tuple[Entry, ...]:
        """Return every entry about a graph, oldest first.

        Raises:
            OutsideTrouble: the origin cannot be reached.
            TamperedRecord: a line was changed or removed.
        """
        name = f"{graph}.jsonl"
        with shared_clone(self._origin) as clone:
            return _entries(name, _text(clone, clone.fetch_tip(BRANCH), name))

    def expect_whole(self, graph: str) -> None:
        """Compare a graph's file with every version of it in git: no line that was ever there is missing or changed.

        The lines name those above them, so that a change among them is always seen. That lines are missing at the end
        only git knows; its whole history is fetched for that.

        Raises:
            OutsideTrouble: the origin cannot be reached.
            TamperedRecord: a line was changed or removed.
        """
        name = f"{graph}.jsonl"
        with self._origin.clone() as clone:
            tip = clone.fetch_history(BRANCH)
            if tip is None:
                return
            text = _text(clone, tip, name) or ""
            _entries(name, text)
            lost = newest_lost(versions_of(clone, tip, name), text)
            if lost is None:
                return
            before = _text(clone, lost.commit, name) or ""
        raise TamperedRecord(
            f"Lines of the ledger's {name} are lost: commit {lost.commit} of branch {BRANCH} has "
            f"{lost_in_words(before, text)}. `git log {BRANCH} -- {name}` in the data repository shows who made the "
            f"commit after it. Set the branch back, on the git server: git update-ref refs/heads/{BRANCH} "
            f"{lost.commit[:12]}. What was entered since then is in that log."
        )

    def last_completed(self, graph: str) -> NightEntry | None:
        """Return the latest night, by its as-of, that ran to a decision, or was refused on the model's merits.

        Not the one entered last: a promotion by hand, or of the shadow, enters an earlier night once more.
        """
        nights = [entry for entry in self.entries(graph) if isinstance(entry, NightEntry) and entry.completed]
        return max(reversed(nights), key=lambda night: night.as_of, default=None)


def _text(clone: GitClone, tip: str | None, name: str) -> str | None:
    """Return a file of the ledger at one commit; None where there is no ledger yet, or nothing about this graph."""
    return None if tip is None else clone.contents([f"{tip}:{name}"])[f"{tip}:{name}"]


def _entries(name: str, text: str | None) -> tuple[Entry, ...]:
    lines, entries = lines_of(text or ""), []
    for number, line in enumerate(lines, start=1):
        try:
            entries.append(read_entry(line, f"Line {number} of the ledger's {name}"))
        except Damaged as error:
            raise TamperedRecord(
                f"Line {number} of the ledger's {name} is no entry: {error}. {_remedy(name)}"
            ) from error
    if text and not text.endswith("\n"):  # what is appended would become part of it
        raise TamperedRecord(f"Line {len(lines)} of the ledger's {name} has no end. {_remedy(name)}")
    if (broken := broken_link(lines)) is not None:
        raise TamperedRecord(f"Lines of the ledger's {name} were changed or removed: {broken}. {_remedy(name)}")
    return tuple(entries)


def _remedy(name: str) -> str:
    return (
        f"It was changed by hand; `git log {BRANCH} -- {name}` in the data repository shows by whom. Set the branch "
        f"back to the commit before that one, on the git server: git update-ref refs/heads/{BRANCH} COMMIT"
    )
