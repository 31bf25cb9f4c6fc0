from __future__ import annotations

import pytest

from benchmarks.processes import measure
from benchmarks.training_cost import graph_data
from pipeline.params.params import ResourceParams
from pipeline.training.processes import bytes_of, in_processes


def test_a_way_of_training_is_measured_by_its_wall_time_and_memory() -> None:
    cost = measure(graph_data(2_000))
    assert cost.train_seconds > 0
    assert cost.valid_seconds > 0
    assert cost.gib > 0
    assert cost.exchanged_kib == 0.0  # one process exchanges nothing


@pytest.mark.slow
def test_two_processes_count_what_they_exchange_and_the_memory_of_both() -> None:
    data = graph_data(2_000)
    cost = in_processes(measure, data, resources=ResourceParams(processes=2), shared_bytes=bytes_of(data))
    assert cost.exchanged_kib > 0
    assert cost.gib > measure(data).gib / 2
