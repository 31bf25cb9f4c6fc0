"""Trouble of this machine, a full disk or a folder that may not be written, told from that of a service."""

from __future__ import annotations

import errno
import re
import sqlite3

from pipeline.errors import OutsideTrouble

DENIED = (errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
READ_ONLY = (errno.EROFS,)
FULL_WORDS = r"No space left on device|Disk quota exceeded|File too large|database or disk is full"
READ_ONLY_WORDS = r"Read-only file system|readonly database|unable to open database file"
NO_TEMPORARY_FOLDER = "No usable temporary directory"  # Python's words; its type is that of a missing file
FREE_SPACE = "Free space where NCNC_HOME (ncnc try: --home) and the temporary folder ($TMPDIR) lie, then run it again."
OTHER_FOLDER = (
    "Give this user the right to write there, or name another folder: NCNC_HOME (ncnc try: --home), the command's "
    "--output, or $TMPDIR for temporary files."
)

DISK_REMEDY = f"The disk of this machine is full, or a folder may not be written. {FREE_SPACE} {OTHER_FOLDER}"


def local_trouble(error: BaseException | None, *, denied: bool = True) -> OutsideTrouble | None:
    """Return what this machine's disk has to do with an error, or with what caused it; None if nothing.

    denied: whether a file that may not be opened counts; not where it may be one that the caller was to read.
    """
    while error is not None:
        if isinstance(error, OSError | sqlite3.Error) and (found := _of_one(error, denied)):
            return found
        error = error.__cause__ or error.__context__
    return None


def trouble_said(text: str) -> OutsideTrouble | None:
    """Return the trouble of this machine that a program's message tells of; None if it tells of none."""
    line = " ".join(text.split())
    if re.search(FULL_WORDS, line):
        return OutsideTrouble(f"The disk of this machine is full: {line}. {FREE_SPACE}")
    if re.search(READ_ONLY_WORDS, line):
        return OutsideTrouble(f"This machine cannot write a file: {line}. {OTHER_FOLDER}")
    return None


def _of_one(error: OSError | sqlite3.Error, denied: bool) -> OutsideTrouble | None:
    number = getattr(error, "errno", None)
    if number in (*FULL, *READ_ONLY) or isinstance(error, sqlite3.Error):
        return trouble_said(str(error))
    if (number in DENIED and denied) or NO_TEMPORARY_FOLDER in str(error):
        return OutsideTrouble(f"This machine does not let this user use a file: {error}. {OTHER_FOLDER}")
    return None
