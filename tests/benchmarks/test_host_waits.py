from __future__ import annotations

import pytest
import torch

from benchmarks import host_waits
from benchmarks.host_waits import Batch, Method, counted_step, sampler_of, step
from ncnc_core.networks.link_network import LinkNetwork

MOST = {"NCN": 6, "NCNC": 16, "NCNC, sampled": 13}


@pytest.mark.parametrize("method", host_waits.METHODS, ids=lambda one: one.name)
def test_a_step_waits_no_more_often_than_it_must(method: Method) -> None:
    waits = host_waits.waits_of(method)
    assert 0 < len(waits) <= MOST[method.name], waits
    assert all(where for _, where in waits)


@pytest.mark.parametrize("name", ["NCN", "NCNC, sampled"])
def test_the_step_there_is_the_step_here(name: str) -> None:
    method = next(one for one in host_waits.METHODS if one.name == name)
    torch.manual_seed(0)
    network, batch = LinkNetwork(method.model, num_features=host_waits.FEATURES), Batch.drawn()
    found = counted_step(network, batch, method.training).gradients
    step(network, batch, method.training, sampler_of(batch, method.training))
    for parameter, own in network.named_parameters():
        assert own.grad is not None
        torch.testing.assert_close(found[parameter], own.grad)


def test_every_wait_is_printed_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert host_waits.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("NCN: ")
    assert any("nonzero" in line and "graph/adjacency.py:" in line for line in lines)
