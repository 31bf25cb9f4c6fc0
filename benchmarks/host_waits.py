"""Where the host waits for an accelerator in one training step: `python -m benchmarks.host_waits`.

Counted on the CPU, on a pretended accelerator: see `pretended_accelerator`. Each wait lets the device run dry, so their
number bounds how fast a step of many small operations can be. Prints the waits of each method's step, and where each
is. Seconds.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.pretended_accelerator import DEVICE, PretendedAccelerator, values_of
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.sampling.batch_sampler import BatchSampler
from ncnc_core.training.step import accumulate_gradients

NODES, EDGES, FEATURES, POSITIVES = 1_000, 6_000, 8, 64


@dataclass(frozen=True)
class Method:
    """A published method as training runs it."""

    name: str
    model: ModelConfig
    training: TrainingConfig = TrainingConfig()  # noqa: RUF009  # frozen


SAMPLES = TrainingConfig(neighbor_fan_out=(10,), overlap_limit=64)
METHODS = (
    Method("NCN", ModelConfig(predictor="ncn")),
    Method("NCNC", ModelConfig(predictor="ncnc")),
    Method("NCNC, sampled", ModelConfig(predictor="ncnc"), SAMPLES),
)


@dataclass(frozen=True, eq=False)
class Batch:
    """One batch and what it is taken from."""

    graph: Adjacency
    features: Tensor
    positives: Tensor
    negatives: Tensor

    @classmethod
    def drawn(cls, nodes: int = NODES, edges: int = EDGES) -> Batch:
        """Draw a graph with a hub and its batch; the same at each call."""
        generator = torch.Generator().manual_seed(0)
        ends = torch.randint(nodes, (2, edges), generator=generator)
        ends[0, ::20] = 0
        graph = Adjacency.from_edges(ends, nodes)
        chosen = torch.randint(graph.num_edges, (POSITIVES,), generator=generator)
        negatives = torch.randint(nodes, (2, POSITIVES), generator=generator)
        return cls(graph, torch.randn(nodes, FEATURES, generator=generator), graph.edges()[:, chosen], negatives)

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        graph, tensors = self.graph.to(device), (self.features, self.positives, self.negatives)
        return Batch(graph, *(one.to(device) for one in tensors))


def sampler_of(batch: Batch, training: TrainingConfig) -> BatchSampler | None:
    """Return what draws the samples of a training, the same at each call; None where it takes none."""
    if training.neighbor_fan_out is None:
        return None
    generator = torch.Generator().manual_seed(1)
    return BatchSampler(batch.graph, training.neighbor_fan_out, training.overlap_limit, generator=generator)


def step(network: LinkNetwork, batch: Batch, training: TrainingConfig, sampler: BatchSampler | None) -> Tensor:
    """Add the gradients of the batch to the network's, and return its loss."""
    asked = batch.features, batch.graph, batch.positives, batch.negatives, training
    return accumulate_gradients(network.train(), *asked, sampler=sampler)


@dataclass(frozen=True, eq=False)
class CountedStep:
    """The waits of a step on the pretended accelerator, and the gradients by parameter."""

    waits: list[tuple[str, str]]
    gradients: dict[str, Tensor]


def counted_step(network: LinkNetwork, batch: Batch, training: TrainingConfig) -> CountedStep:
    """Take a step on the pretended accelerator, with a copy of the network."""
    with PretendedAccelerator() as accelerator:
        copy, there = deepcopy(network), batch.to(DEVICE)
        accelerator.moved(copy)
        sampler = sampler_of(there, training)
        accelerator.waits.clear()  # what came before is done once, not once a step
        step(copy, there, training, sampler)
        waits = list(accelerator.waits)
    gradients = {name: values_of(one.grad) for name, one in copy.named_parameters() if one.grad is not None}
    return CountedStep(waits, gradients)


def waits_of(method: Method) -> list[tuple[str, str]]:
    """Return what the host waits for in a step of a method."""
    torch.manual_seed(0)
    network = LinkNetwork(method.model, num_features=FEATURES)
    return counted_step(network, Batch.drawn(), method.training).waits


def main() -> int:
    """Print the waits of each method; return the exit status."""
    for method in METHODS:
        waits = waits_of(method)
        print(f"{method.name}: {len(waits)} waits a step")
        for name, where in waits:
            print(f"  {name.removeprefix('aten::'):24} {where}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
