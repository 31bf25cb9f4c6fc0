from __future__ import annotations

import errno
import os
import sqlite3

import pytest

from pipeline.local_trouble import local_trouble, trouble_said


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_named_whatever_wraps_it(number: int) -> None:
    try:
        try:
            raise OSError(number, os.strerror(number), "/home/x")
        except OSError as error:
            raise RuntimeError("DVC could not push") from error
    except RuntimeError as error:
        found = local_trouble(error)
    assert found is not None
    assert found.exit_code == 75
    assert "The disk of this machine is full" in str(found)
    assert "Free space where NCNC_HOME" in str(found)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_folder_that_may_not_be_written_is_named(number: int) -> None:
    found = local_trouble(OSError(number, os.strerror(number), "/home/x"))
    assert found is not None
    assert "'/home/x'" in str(found)
    assert "NCNC_HOME" in str(found)


def test_a_file_that_was_to_be_read_is_the_callers_to_tell_of() -> None:
    denied = PermissionError(errno.EACCES, "Permission denied", "/source/e.csv")
    assert local_trouble(denied, denied=False) is None
    assert local_trouble(OSError(errno.ENOSPC, "No space left on device"), denied=False) is not None


@pytest.mark.parametrize(
    "error",
    [ValueError("No space left on device"), ConnectionRefusedError(errno.ECONNREFUSED, "refused"), FileNotFoundError()],
)
def test_other_errors_are_no_trouble_of_the_disk(error: Exception) -> None:
    assert local_trouble(error) is None
    assert local_trouble(None) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("database or disk is full", "is full"),
        ("attempt to write a readonly database", "cannot write"),
        ("unable to open database file", "cannot write"),
    ],
)
def test_what_sqlite_says_of_its_file_is_read(text: str, words: str) -> None:
    assert words in str(local_trouble(sqlite3.OperationalError(text)))
    assert local_trouble(sqlite3.OperationalError("no such table: x")) is None


def test_what_a_program_says_is_read() -> None:
    assert "is full" in str(trouble_said("error: unable to write file: No space left on device\nfatal: cannot"))
    assert trouble_said("fatal: repository not found") is None
