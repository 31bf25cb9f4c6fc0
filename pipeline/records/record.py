"""The base of the records that the steps leave."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import PrivateAttr
from pydantic_core import from_json, to_json

from ncnc_core.whole_file import write_whole
from pipeline.errors import TamperedRecord
from pipeline.records.format import Damaged, Written, numbered


class Record(Written):
    """A node of the digest chain, stored as canonical JSON in the run folder and, as a copy, in MLflow.

    A record that was read from an older format keeps its bytes as they were written: its digest is theirs, and a copy
    of it is written in the same bytes.
    """

    file_name: ClassVar[str]
    _older_text: str = PrivateAttr(default="")

    def to_json(self) -> str:
        """Return the canonical JSON text: the bytes that `sha256` is taken over."""
        return self._older_text or self.as_written(indent=2) + "\n"

    @property
    def sha256(self) -> str:
        """The digest of this record's bytes."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; one with changed fields is a new record, in the format of today."""
        copy = super().model_copy(update=update, deep=deep)
        if update:
            copy._older_text = ""
        return copy

    def write(self, folder: Path) -> Path:
        """Write the record into a folder under its own file name, whole or not at all."""
        return write_whole(folder / self.file_name, self.to_json())

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the record of this type from a folder, in whichever format it was written.

        Raises:
            FileNotFoundError: the folder has no such record.
            NewerFormat: a newer version of the pipeline wrote it.
            TamperedRecord: the file is no valid record of this type.
        """
        path = folder / cls.file_name
        text = path.read_bytes().decode(errors="replace")
        try:
            content, number = numbered(text)
            record = cls.of_content(content, number, path.name)
        except Damaged as error:
            raise TamperedRecord(
                f"{path.name} is not a valid {cls.__name__}: {error}. "
                f"It was changed after it was written; delete the run folder and let the step fetch it again."
            ) from error
        if number < cls.FORMAT:
            record._older_text = text
        if text != (record.to_json() if number == cls.FORMAT else _canonical(text)):
            raise TamperedRecord(
                f"{path.name} is not in the canonical form that {cls.__name__} writes, so its digest cannot hold. "
                f"It was changed after it was written; delete the run folder and let the step fetch it again."
            )
        return record


def _canonical(text: str) -> str:
    return to_json(from_json(text), indent=2).decode() + "\n"
