"""A night through Celery workers on two machines, and what happens to it when a process is killed or stopped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ncnc_core.random_spatial_network import NetworkDay
from tests.fixtures.celery_deployment import CeleryDeployment, celery_deployment
from tests.fixtures.house import params


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CeleryDeployment]:
    with celery_deployment(tmp_path_factory.mktemp("celery"), params("small")) as running:
        yield running


@pytest.mark.timeout(3600)
def test_a_night_goes_through_both_queues_and_leaves_a_champion(
    stack: CeleryDeployment, days: list[NetworkDay]
) -> None:
    stack.house.deliver(1, days[0])
    run = stack.begin_night(1)
    assert stack.end_of(run) == "success"
    assert [entry.outcome for entry in stack.house.entries()] == ["promoted"]
