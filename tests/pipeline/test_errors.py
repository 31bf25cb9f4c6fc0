"""The exit codes are part of the contract with Airflow, `dvc.yaml` and people's scripts."""

from __future__ import annotations

import pytest

from pipeline import errors


def test_a_message_is_plain_text_wherever_it_goes() -> None:
    assert str(errors.InvalidInput("no column \x1b[31m[/b]")) == r"no column \x1b[31m[/b]"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.StepError, 1),
        (errors.InvalidInput, 2),  # never retried
        (errors.WrongAsOf, 2),  # the same as-of stays wrong
        (errors.TamperedRecord, 2),  # bytes that changed do not change back
        (errors.NewerFormat, 2),  # an upgrade helps, and trying again does not
        (errors.NotDelivered, 66),  # EX_NOINPUT: waited for
        (errors.OutsideTrouble, 75),  # EX_TEMPFAIL: retried
        (errors.NothingToDo, 99),  # Airflow shows the task as skipped
    ],
)
def test_every_error_ends_with_the_contracts_exit_code(kind: type[errors.StepError], code: int) -> None:
    assert kind.exit_code == code


def test_every_error_of_the_module_is_a_step_error_so_that_the_cli_can_end_with_its_code() -> None:
    kinds = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert len(kinds) == 8
    assert all(issubclass(kind, errors.StepError) for kind in kinds)
