"""One look at a GPU, for whoever has one: `make gpu-check`, or `python -m benchmarks.gpu_check`.

For each published method: how far logits and gradients lie from those of the CPU, the seconds of an epoch on both, the
peak of the GPU's memory, and how often the host waits for it in a training step, counted in the code and as CUDA tells.
Prints a Markdown table and writes it to .ncnc/bench/gpu_check.md. Ends with 1 where logits or gradients are apart.
Without a GPU the figures of the CPU alone are taken, and the accelerator's way through the code is held against the
kernels on a pretended device. Two minutes on two cores, at most five.
"""

from __future__ import annotations

import argparse
import time
import warnings
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.host_waits import FEATURES, METHODS, Batch, Method, counted_step, sampler_of, step
from benchmarks.large_graph import EDGES_A_NODE, generated_data
from benchmarks.pretended_accelerator import DEVICE, PretendedAccelerator, values_of
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.sampling.scoring import score_pairs_sampled
from ncnc_core.training.data import TrainingData
from ncnc_core.training.run import TrainingRun

WRITTEN_TO = Path(".ncnc/bench/gpu_check.md")
FARTHEST = 1e-3  # of the largest logit or gradient: sums in another order differ by some 1e-6, a wrong one by far more
PAIRS, BATCH, GIB = 2_000, 8_192, 2**30


@dataclass(frozen=True)
class Figures:
    """What was found of one method; None where there is no GPU to ask.

    `logits`, `gradients`: the largest difference over the largest value. `cpu_epoch`, `gpu_epoch`: seconds.
    `counted`, `told`: waits a step.
    """

    method: str
    logits: float
    gradients: float
    cpu_epoch: float
    counted: int
    gpu_epoch: float | None = None
    peak_gib: float | None = None
    told: int | None = None

    @property
    def agrees(self) -> bool:
        """Whether logits and gradients are those of the CPU."""
        return max(self.logits, self.gradients) < FARTHEST

    def row(self) -> str:
        """Return the row of the table."""
        faster = None if self.gpu_epoch is None else self.cpu_epoch / self.gpu_epoch
        cells = [self.method, f"{self.logits:.0e}", f"{self.gradients:.0e}", f"{self.cpu_epoch:.2f}"]
        cells += ["-" if one is None else f"{one:.2f}" for one in (self.gpu_epoch, faster, self.peak_gib)]
        return f"| {' | '.join([*cells, str(self.counted), '-' if self.told is None else str(self.told)])} |"


HEAD = """\
| method | logits apart | gradients apart | CPU, seconds an epoch | GPU, seconds an epoch | times as fast | peak GiB | \
waits a step | told by CUDA |
|---|---:|---:|---:|---:|---:|---:|---:|---:|"""


def without_draws(method: Method) -> Method:
    """Return the method as it is where nothing is drawn on the device: two devices draw different numbers.

    Samples are drawn on the CPU. Of long lists of neighbours completion would draw some, so it takes them all.
    """
    return replace(method, model=method.model.model_copy(update={"completion_max_neighbors": None}))


def logits_of(network: LinkNetwork, batch: Batch, pairs: Tensor, method: Method) -> Tensor:
    """Return the logits of pairs, on the device that all are on."""
    sampler = sampler_of(batch, method.training)
    if sampler is not None:
        return score_pairs_sampled(network, batch.features, sampler, pairs)
    return score_pairs(network, node_levels(network, batch.features, batch.graph), batch.graph, pairs)


def apart(first: Tensor, second: Tensor) -> float:
    """Return the largest difference over the largest magnitude."""
    first, second = values_of(first).cpu().double(), values_of(second).cpu().double()
    return float((first - second).abs().max() / first.abs().max().clamp(min=1e-12))


def gradients_apart(network: LinkNetwork, gradients: dict[str, Tensor]) -> float:
    """Return the largest difference of the network's gradients from others, over the largest magnitude."""
    own = {name: one.grad for name, one in network.named_parameters() if one.grad is not None}
    if own.keys() != gradients.keys():
        return float("inf")
    joined = (torch.cat([values_of(one[name]).cpu().flatten() for name in own]) for one in (own, gradients))
    return apart(*joined)


def parity(method: Method, device: torch.device | None) -> tuple[float, float]:
    """Return how far logits and gradients of a device, or of the pretended one, lie from those of the CPU."""
    method = without_draws(method)
    torch.manual_seed(0)
    network, batch = LinkNetwork(method.model, num_features=FEATURES), Batch.drawn()
    pairs = torch.randint(batch.graph.num_nodes, (2, PAIRS), generator=torch.Generator().manual_seed(3))
    expected = logits_of(network, batch, pairs, method)
    step(network, batch, method.training, sampler_of(batch, method.training))
    copy = deepcopy(network)
    copy.zero_grad()
    if device is None:
        gradients = counted_step(copy, batch, method.training).gradients
        with PretendedAccelerator() as accelerator:
            accelerator.moved(copy)
            found = logits_of(copy, batch.to(DEVICE), pairs.to(DEVICE), method)
    else:
        there = batch.to(device)
        found = logits_of(copy.to(device), there, pairs.to(device), method)
        step(copy, there, method.training, sampler_of(there, method.training))
        gradients = {name: one.grad for name, one in copy.named_parameters() if one.grad is not None}
    return apart(expected, found), gradients_apart(network, gradients)


def epoch_seconds(method: Method, data: TrainingData, device: torch.device, pairs: int) -> tuple[float, float]:
    """Return the seconds of an epoch of so many positives, the quicker of two after one, and the peak memory in GiB."""
    training = method.training.model_copy(update={"pairs_per_epoch": pairs, "batch_size": BATCH})
    run = TrainingRun(method.model, training, data, "auc", device, None)
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
    took = []
    for number in range(3):  # the first loads kernels
        start = time.perf_counter()
        run.train_epoch(number + 1)  # it reads the losses in the end, and so waits for the device
        took.append(time.perf_counter() - start)
    return min(took[1:]), torch.cuda.max_memory_allocated(device) / GIB if on_gpu else 0.0


def waits_told(method: Method, device: torch.device) -> int:
    """Return how often CUDA says that the host waited in a step; the second step, whose kernels are loaded."""
    torch.manual_seed(0)
    network, batch = LinkNetwork(method.model, num_features=FEATURES).to(device), Batch.drawn().to(device)
    sampler = sampler_of(batch, method.training)
    step(network, batch, method.training, sampler)
    torch.cuda.synchronize(device)
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            step(network, batch, method.training, sampler)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(one.message) for one in told)


def check(method: Method, data: TrainingData, device: torch.device | None, pairs: int) -> Figures:
    """Return the figures of a method, on a GPU if there is one."""
    logits, gradients = parity(method, device)
    torch.manual_seed(0)
    counted = len(counted_step(LinkNetwork(method.model, num_features=FEATURES), Batch.drawn(), method.training).waits)
    cpu_epoch, _ = epoch_seconds(method, data, torch.device("cpu"), pairs)
    found = Figures(method.name, logits, gradients, cpu_epoch, counted)
    if device is None:
        return found
    gpu_epoch, peak = epoch_seconds(method, data, device, pairs)
    return replace(found, gpu_epoch=gpu_epoch, peak_gib=peak, told=waits_told(method, device))


def page(found: list[Figures], data: TrainingData, device: torch.device | None, pairs: int) -> str:
    """Return the table, and above it what it was measured on."""
    card = "no GPU" if device is None else torch.cuda.get_device_name(device)
    lines = [
        f"torch {torch.__version__}, {torch.get_num_threads()} CPU threads, {card}. Epochs of {pairs:,} positives and "
        f"as many negatives in batches of {BATCH:,}, on a generated graph of {data.train_edges.shape[1]:,} edges."
    ]
    if device is None:
        lines.append(
            "\nThere is no GPU here. The differences are those of the accelerator's way through the code, on a "
            "pretended device in main memory, from the CPU's kernels; nothing was measured on a GPU."
        )
    return "\n".join([*lines, "", HEAD, *(one.row() for one in found)])


def main(arguments: list[str] | None = None) -> int:
    """Check all methods; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_check", description=__doc__)
    parser.add_argument("--edges", type=int, default=300_000)
    parser.add_argument("--pairs", type=int, default=3 * BATCH, help="positives of an epoch")
    parser.add_argument("--output", type=Path, default=WRITTEN_TO)
    asked = parser.parse_args(arguments)
    device = torch.device("cuda") if torch.cuda.is_available() else None
    data = generated_data(int(asked.edges / EDGES_A_NODE))
    found = [check(method, data, device, asked.pairs) for method in METHODS]
    text = page(found, data, device, asked.pairs)
    print(text)
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(text + "\n")
    wrong = [one.method for one in found if not one.agrees]
    if wrong:
        print(f"\nLogits or gradients are apart: {', '.join(wrong)}.")
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
