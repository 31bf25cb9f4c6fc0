"""Where the arithmetic runs, and what is recorded of the machine so that a run can be repeated bit for bit."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path

import torch

from ncnc_core.training.ranks import Ranks
from pipeline.errors import InvalidInput
from pipeline.params.params import ResourceParams

LOCK_FILE = Path(__file__).resolve().parents[2] / "requirements.lock"


def use(resources: ResourceParams) -> torch.device:
    """Set the thread count and return the device.

    Raises:
        InvalidInput: cuda is asked for where there is none.
    """
    if resources.threads is not None:
        torch.set_num_threads(resources.threads)
    if resources.device == "cuda" and not torch.cuda.is_available():
        raise InvalidInput(
            "resources.device is cuda, but torch finds no CUDA device here. "
            "Set resources.device: cpu in params.yaml, or run this step on a worker of the gpu queue."
        )
    return torch.device(resources.device)


def machine(device: torch.device, resources: ResourceParams) -> dict[str, str]:
    """Return what bit-for-bit repetition depends on: CPU model, threads, device, library versions, lock file.

    And the number of processes, where a training is that of several; the threads are then those of each.
    """
    size = max(resources.processes, Ranks.here().size)
    return {
        "cpu": _cpu_model(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "threads": str(torch.get_num_threads() if size == 1 else resources.threads or 1),
        **({} if size == 1 else {"processes": str(size)}),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torch_geometric": version("torch_geometric"),
        "lock_sha256": hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest() if LOCK_FILE.is_file() else "none",
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
