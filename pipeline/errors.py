"""The errors a step may end with, each with the exit code that is part of the contract.

0 done, 2 the input is wrong (never retried), 66 the source has not delivered yet (waited for), 75 trouble outside
(retried), 99 nothing to do.
Every message says the rule, the value and the remedy.
"""

from __future__ import annotations

from typing import ClassVar

from pipeline.plain_text import plain


class StepError(Exception):
    """The base of what a step raises on purpose; anything else is a bug and ends 1.

    A message holds names and values from outside, and goes to terminals, logs, the ledger and MLflow: it is plain text.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


class InvalidInput(StepError):
    """The input or the configuration is wrong; trying again cannot help."""

    exit_code = 2


class OutsideTrouble(StepError):
    """A service or a source outside is not ready, or a disk is full; trying again may help."""

    exit_code = 75


class NotDelivered(OutsideTrouble):
    """The source has not delivered what the night needs, and may still do so: a wait, which Airflow's retries are not.

    Only what the source may bring by itself is one. A file that may not be read, or a wrong password, is not.
    """

    exit_code = 66


class NothingToDo(StepError):
    """The night has nothing to do; the reason is the message."""

    exit_code = 99


class WrongAsOf(InvalidInput):
    """The as-of lies after the present, or what was delivered is from after it."""


class TamperedRecord(InvalidInput):
    """Bytes differ from the digest that was recorded for them."""


class NewerFormat(InvalidInput):
    """A newer version of the pipeline wrote it; nothing is wrong with the bytes."""
