"""The base of the records that the steps leave."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import PrivateAttr

from ncnc_core.whole_file import write_whole
from pipeline.errors import TamperedRecord
from pipeline.records.format import Damaged, Written, numbered

logger = logging.getLogger(__name__)
MARK = "\ue000"  # around a number's digits while a text is laid out; a private character, which no record holds


class Record(Written):
    """A node of the digest chain, stored as canonical JSON in the run folder and, as a copy, in MLflow.

    Where an older version wrote other bytes than today's code would, a record keeps the bytes that it was read from:
    its digest is theirs, and a copy of it is written in them. `model_copy` with changes makes a record of today.
    """

    file_name: ClassVar[str]
    _text: str = PrivateAttr(default="")

    def to_json(self) -> str:
        """Return the canonical JSON text: the bytes that `sha256` is taken over."""
        return self._text or self.as_written(indent=2) + "\n"

    @property
    def sha256(self) -> str:
        """The digest of this record's bytes."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; one with changed fields is a new record, in the format of today."""
        copy = super().model_copy(update=update, deep=deep)
        if update:
            copy._text = ""
        return copy

    def write(self, folder: Path) -> Path:
        """Write the record into a folder under its own file name, whole or not at all."""
        return write_whole(folder / self.file_name, self.to_json())

    @classmethod
    def kept(cls, folder: Path, copy: Callable[[], Self | None]) -> Self | None:
        """Return the record of a folder; where it is missing or damaged there, its copy, which is then written there.

        Raises:
            TamperedRecord: it is damaged, and there is no copy.
        """
        damage = None
        try:
            return cls.read(folder)
        except FileNotFoundError:
            pass
        except TamperedRecord as error:
            damage = error
        record = copy()
        if record is not None:
            if damage is not None:
                logger.warning("%s is damaged on this machine, and is fetched again", folder / cls.file_name)
            record.write(folder)
        elif damage is not None:
            raise damage
        return record

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the record of this type from a folder, in whichever format it was written.

        Raises:
            FileNotFoundError: the folder has no such record.
            NewerFormat: a newer version of the pipeline wrote it.
            TamperedRecord: the file is no valid record of this type.
        """
        path = folder / cls.file_name
        try:
            text = path.read_bytes().decode()
            content, number = numbered(text)
            record = cls.of_content(content, number, path.name)
        except (Damaged, UnicodeDecodeError) as error:
            raise TamperedRecord(
                f"{path.name} is not a valid {cls.__name__}: {error}. "
                f"It was changed after it was written; delete the run folder and let the step fetch it again."
            ) from error
        if text != _indented(text):
            raise TamperedRecord(
                f"{path.name} is not in the canonical form that {cls.__name__} writes, so its digest cannot hold. "
                f"It was changed after it was written; delete the run folder and let the step fetch it again."
            )
        if text != record.to_json():
            record._text = text
        return record


def _indented(text: str) -> str:
    """Return the JSON text in the layout of every version; a number keeps the digits in which it was written.

    Libraries differ, and change, in the shortest form of a number (1e-5, 0.00001).
    """
    content = json.loads(text, parse_float=_marked, parse_int=_marked)
    return re.sub(f'"{MARK}([^"]*){MARK}"', r"\1", json.dumps(content, indent=2, ensure_ascii=False)) + "\n"


def _marked(digits: str) -> str:
    return f"{MARK}{digits}{MARK}"
