"""The base of the records that the steps leave."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar, Self

from pydantic import ValidationError

from pipeline.errors import TamperedRecord
from pipeline.records.part import Part


class Record(Part):
    """A node of the digest chain, stored as canonical JSON in the run folder and, as a copy, in MLflow."""

    file_name: ClassVar[str]

    def to_json(self) -> str:
        """Return the canonical JSON text: the bytes that `sha256` is taken over."""
        return self.model_dump_json(indent=2) + "\n"

    @property
    def sha256(self) -> str:
        """The digest of this record's canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def write(self, folder: Path) -> Path:
        """Write the record into a folder under its own file name, by one atomic rename."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / self.file_name
        staged = path.with_suffix(".json.partial")
        staged.write_text(self.to_json())
        staged.replace(path)
        return path

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the record of this type from a folder.

        Raises:
            FileNotFoundError: the folder has no such record.
            TamperedRecord: the file is no valid record of this type.
        """
        path = folder / cls.file_name
        text = path.read_text()
        try:
            record = cls.model_validate_json(text)
        except ValidationError as error:
            raise TamperedRecord(
                f"{path.name} is not a valid {cls.__name__}: {error.errors()[0]['msg']}. "
                f"It was changed after it was written; delete the run folder and let the step fetch it again."
            ) from error
        if record.to_json() != text:
            raise TamperedRecord(
                f"{path.name} is not in the canonical form that {cls.__name__} writes, so its digest cannot hold. "
                f"It was changed after it was written; delete the run folder and let the step fetch it again."
            )
        return record
