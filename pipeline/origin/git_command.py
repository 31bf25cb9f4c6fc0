"""One call of the git command line: its environment, its answer, and its errors."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pipeline.credentials import public, public_text
from pipeline.errors import OutsideTrouble
from pipeline.local_trouble import DISK_REMEDY, trouble_said

TIMEOUT_SECONDS = 120
ORIGIN_REMEDY = (
    "Check that the data repository's origin (NCNC_DATA_REPOSITORY) is up, that its URL is right and that this machine "
    "may write to it."
)


def run_git(folder: Path | None, *arguments: str, stdin: str | None = None) -> str:
    """Run a git command in a folder and return its output.

    Raises:
        OutsideTrouble: it failed; the message has no secret of a URL.
    """
    answer = answer_of(folder, arguments, stdin)
    if answer.returncode != 0:
        raise git_trouble(arguments, answer.stderr or answer.stdout)
    return answer.stdout


def answer_of(folder: Path | None, arguments: tuple[str, ...], stdin: str | None) -> subprocess.CompletedProcess[str]:
    """Run a git command and return its answer, whatever its exit code.

    Raises:
        OutsideTrouble: git is not here, or does not answer in time.
    """
    try:
        # As bytes, decoded here: Python's text mode would turn every \r\n into \n, and sizes would no longer hold.
        answer = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            input=None if stdin is None else stdin.encode(errors="surrogateescape"),
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            env=_environment(),
        )
    except subprocess.TimeoutExpired as error:
        raise git_trouble(arguments, f"no answer within {TIMEOUT_SECONDS} s") from error
    except FileNotFoundError as error:
        raise OutsideTrouble(f"git is not to be found ({error}). Install git on this machine.") from error
    out, said = (stream.decode(errors="surrogateescape") for stream in (answer.stdout, answer.stderr))
    return subprocess.CompletedProcess(answer.args, answer.returncode, out, said)


def _environment() -> dict[str, str]:
    """Return an environment in which git needs no configuration, asks nothing and answers in English."""
    # GIT_DIR and its like point into another repository when we run below a git hook.
    kept = {
        name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    }
    return kept | {
        "GIT_AUTHOR_NAME": "ncnc",
        "GIT_AUTHOR_EMAIL": "ncnc@localhost",
        "GIT_COMMITTER_NAME": "ncnc",
        "GIT_COMMITTER_EMAIL": "ncnc@localhost",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_0": "commit.gpgsign",
        "GIT_CONFIG_VALUE_0": "false",
        "GIT_CONFIG_KEY_1": "tag.gpgsign",
        "GIT_CONFIG_VALUE_1": "false",
        "GIT_CONFIG_KEY_2": "gc.auto",
        "GIT_CONFIG_VALUE_2": "0",
        "LC_ALL": "C",
    }


def git_trouble(arguments: tuple[str, ...], said: str) -> OutsideTrouble:
    """Return the error for a command that failed, from what git said."""
    command = " ".join(public(argument) for argument in arguments)
    reason = " ".join(public_text(said, *(one for one in arguments if "://" in one)).split()).rstrip(".")
    told_here = "\n".join(line for line in said.splitlines() if not line.startswith("remote:"))
    remedy = DISK_REMEDY if arguments[0] == "init" or trouble_said(told_here) else ORIGIN_REMEDY
    return OutsideTrouble(f"`git {command}` failed: {reason}. {remedy}")
