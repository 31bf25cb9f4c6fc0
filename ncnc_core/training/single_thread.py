"""Small steps on one thread, whatever number of threads torch has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def single_thread() -> Iterator[None]:
    """Compute with one thread inside the block.

    Between matrices of a thousand rows a second thread mostly waits, and it waits by spinning: on a machine whose cores
    are busy an epoch of a temporal network took 17 CPU seconds with two threads and 0.5 with one. Results then do not
    depend on the number of threads either.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
