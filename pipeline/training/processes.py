"""One work done by several processes: started, watched and started again by torch's elastic launcher, torchrun."""

from __future__ import annotations

import logging
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from ncnc_core.errors import InvalidGraph
from ncnc_core.training.ranks import Ranks
from pipeline.errors import InvalidInput, OutsideTrouble, StepError
from pipeline.params.params import ResourceParams
from pipeline.stopping import end_with
from pipeline.terminal import log_to_messages

V = TypeVar("V")
RESTARTS = 3
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # where torch lays tensors that several processes hold
NOT_OURS = "SIGUSR2"  # the launcher takes this signal, and leaves those that end a command to `pipeline.stopping`
DELIBERATE = (StepError, InvalidGraph)


class ProcessDied(OutsideTrouble):
    """A process of several died, and so did those that were started in its place."""


def in_processes(work: Callable[..., V], *arguments: Any, resources: ResourceParams, shared_bytes: int) -> V:
    """Return work(*arguments) of the first of `resources.processes` processes, which all do it, as a process group.

    The work is a function of a module, and its arguments can be pickled. Their tensors, of `shared_bytes`, are laid
    into shared memory once. Where a process dies, all begin again, three times at most. What the work raises on purpose
    is raised here.

    Raises:
        InvalidInput: there are fewer cards than processes, or shared memory is too small.
        ProcessDied: a process died every time.
    """
    _require_cards(resources)
    _require_shared_memory(shared_bytes, SHARED_MEMORY)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=resources.processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=RESTARTS,
        signals_to_handle=NOT_OURS,
    )
    level = logging.getLevelName(logging.getLogger(__package__).getEffectiveLevel())
    try:
        answers = elastic_launch(config, _one_of_them)(resources, level, work, arguments)
    except ChildFailedError as error:
        _, failure = error.get_first_failure()
        raise ProcessDied(
            f"One of {resources.processes} training processes ended with {failure.exitcode}, {1 + RESTARTS} times in a "
            "row: its own message is above. -9 is a kill, as when memory is short, and a connection that was closed is "
            "what the others see of one: set resources.processes to fewer, or run the step on a larger machine. What "
            "was trained is kept."
        ) from error
    first = answers[0]
    if isinstance(first, BaseException):
        raise first
    return first  # type: ignore[no-any-return]


def _one_of_them(resources: ResourceParams, level: str, work: Callable[..., V], arguments: tuple[Any, ...]) -> object:
    """Do the work as a process of the group; what it raises on purpose is an answer, and nothing to begin again for."""
    end_with(os.getppid())
    log_to_messages(level)
    torch.set_num_threads(resources.threads or 1)
    with process_group(resources) as ranks:
        is_first = ranks.is_first
        try:
            answer = work(*arguments)
        except DELIBERATE as error:
            return error
    return answer if is_first else None


@contextmanager
def process_group(resources: ResourceParams) -> Iterator[Ranks]:
    """Join the process group that the launcher has told this process of, if one has, for the block."""
    if not distributed.is_torchelastic_launched() or distributed.is_initialized():
        yield Ranks.here()
        return
    distributed.init_process_group("nccl" if resources.device == "cuda" else "gloo")
    if resources.device == "cuda":
        torch.cuda.set_device(distributed.get_node_local_rank())
    try:
        yield Ranks.here()
    finally:
        distributed.destroy_process_group()


def bytes_of(value: object) -> int:
    """Return how many bytes the tensors in a value take: in dataclasses, mappings and sequences of each other."""
    if isinstance(value, Tensor):
        if value.layout == torch.sparse_csr:
            return value.crow_indices().nbytes + value.col_indices().nbytes + value.values().nbytes
        return value.nbytes
    if is_dataclass(value) and not isinstance(value, type):
        return sum(bytes_of(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, dict):
        return sum(map(bytes_of, value.values()))
    return sum(map(bytes_of, value)) if isinstance(value, list | tuple) else 0


def _require_cards(resources: ResourceParams) -> None:
    if resources.device == "cuda" and (cards := torch.cuda.device_count()) < resources.processes:
        raise InvalidInput(
            f"resources.processes is {resources.processes} with device cuda, one card each, but there are {cards}. Set "
            f"resources.processes to {cards} at most, or give the worker more cards."
        )


def _require_shared_memory(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InvalidInput(
            f"resources.processes lays the graph into {folder}, which all processes read: {needed / 2**30:.2f} GiB, "
            f"but {free / 2**30:.2f} GiB are free. Give the container more (shm_size in docker/compose.yaml), or set "
            "resources.processes: 1."
        )
