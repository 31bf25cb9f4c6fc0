"""The ledger: what came of each night and every alias move, kept as commits in the data repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from pipeline.errors import TamperedRecord
from pipeline.git_origin import GitOrigin, attempts
from pipeline.records import AliasEntry, NightEntry

BRANCH = "ledger"
Entry = NightEntry | AliasEntry
_entry: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")])


class Ledger:
    """An append-only list of entries per graph: branch `ledger`, file `<graph>.jsonl`, one commit an entry."""

    def __init__(self, origin: str, home: Path) -> None:
        self._origin = GitOrigin(origin, home)

    def append(self, entry: Entry) -> None:
        """Append an entry; a retry of the newest one about the same run or alias appends nothing.

        Raises:
            OutsideTrouble: the origin cannot be reached.
        """
        with self._origin.clone() as clone:
            for _ in attempts():
                clone.fetch_branch(BRANCH)
                path = clone.path / f"{entry.graph}.jsonl"
                if _holds(_read(path), entry):
                    return
                with path.open("a") as stream:
                    stream.write(entry.model_dump_json() + "\n")
                clone.commit(_subject(entry), path.name)
                if clone.push(f"HEAD:refs/heads/{BRANCH}"):
                    return

    def entries(self, graph: str) -> tuple[Entry, ...]:
        """Return every entry about a graph, oldest first."""
        with self._origin.clone() as clone:
            clone.fetch_branch(BRANCH)
            return _read(clone.path / f"{graph}.jsonl")

    def last_completed(self, graph: str) -> NightEntry | None:
        """Return the last night that ran to a decision, or was refused on the model's merits."""
        nights = (entry for entry in reversed(self.entries(graph)) if isinstance(entry, NightEntry))
        return next((night for night in nights if night.completed), None)


def _read(path: Path) -> tuple[Entry, ...]:
    if not path.is_file():
        return ()
    entries = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        try:
            entries.append(_entry.validate_json(line))
        except ValidationError as error:
            raise TamperedRecord(
                f"Line {number} of the ledger's {path.name} is no entry: {error.errors()[0]['msg']}. It was changed by "
                f"hand; `git log {BRANCH} -- {path.name}` in the data repository shows by whom. Revert that commit."
            ) from error
    return tuple(entries)


def _holds(entries: tuple[Entry, ...], new: Entry) -> bool:
    """Return whether the newest entry about the same thing says the same; a night's clock time does not count."""
    for old in reversed(entries):
        if isinstance(new, NightEntry) and isinstance(old, NightEntry) and old.run_name == new.run_name:
            return (old.outcome, old.reason) == (new.outcome, new.reason)
        if isinstance(new, AliasEntry) and isinstance(old, AliasEntry) and old.alias == new.alias:
            return old == new
    return False


def _subject(entry: Entry) -> str:
    if isinstance(entry, NightEntry):
        return f"{entry.graph}: night {entry.run_name} {entry.outcome}"
    return f"{entry.graph}: {entry.alias} {entry.previous} -> {entry.version}"
