"""Several processes that train one network: each computes its share of every batch, and all take the same step.

The processes are those of torch's default process group (`torch.distributed`), which `torchrun` and its like set up;
without one there is a single process. The pairs are shared and the gradients added up; the graph is not divided.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

V = TypeVar("V")


@dataclass(frozen=True)
class Ranks:
    """This process's place, `rank`, among the `size` that train together."""

    rank: int = 0
    size: int = 1

    @classmethod
    def here(cls) -> Ranks:
        """Return the place in the default process group; alone, where there is none."""
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return cls()

    @property
    def is_first(self) -> bool:
        """Whether this process writes what one process writes."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Return which of `count` things are this process's: shares differ by one at most, the first rank's first."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def scored(self, score: Callable[[Tensor], Tensor], pairs: Tensor) -> Tensor:
        """Return score(pairs), [..., n], of pairs [..., n]: each process scores its share, and all get all.

        Fewer pairs than processes are scored by each.
        """
        if self.size == 1 or pairs.shape[-1] < self.size:
            return score(pairs)
        part = self.share(pairs.shape[-1])
        own = score(pairs[..., part])
        whole = own.new_zeros(*own.shape[:-1], pairs.shape[-1])
        whole[..., part] = own
        distributed.all_reduce(whole)  # each is one number plus zeros: exact
        return whole

    def counting(self, did: Callable[[int], None] | None) -> Callable[[int], None]:
        """Return a listener to the pairs of one process that hears of as many as all do meanwhile."""
        return lambda pairs: None if did is None else did(pairs * self.size)

    def add_up(self, parameters: Iterable[nn.Parameter], loss: Tensor) -> Tensor:
        """Replace each gradient by the sum over the processes, in one exchange, and return the sum of the losses.

        A parameter that no process has a gradient of keeps none.
        """
        if self.size == 1:
            return loss
        trained = [one for one in parameters if one.requires_grad]
        has = torch.tensor([one.grad is not None for one in trained], dtype=loss.dtype, device=loss.device)
        flat = [(torch.zeros_like(one) if one.grad is None else one.grad).flatten() for one in trained]
        sums = torch.cat([loss.view(1), has, *flat])
        distributed.all_reduce(sums)
        start, reached = 1 + len(trained), (sums[1 : 1 + len(trained)] > 0).tolist()
        for one, is_reached in zip(trained, reached, strict=True):
            one.grad = sums[start : start + one.numel()].view_as(one) if is_reached else None
            start += one.numel()
        return sums[0].clone()  # a view would keep all gradients for as long as an epoch keeps its losses

    def of_first(self, value: V) -> V:
        """Return the first process's value, whatever the others have."""
        if self.size == 1:
            return value
        told = [value]
        distributed.broadcast_object_list(told)
        return told[0]

    def take_weights_of_first(self, network: nn.Module) -> None:
        """Give every process the weights and buffers of the first."""
        if self.size > 1:
            for tensor in network.state_dict().values():
                distributed.broadcast(tensor, 0)

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.size > 1:
            distributed.barrier()

    def begin_epoch(self, seed: int, epoch: int, own: torch.Generator | None = None) -> None:
        """Seed what each process draws for its own pairs, dropout and samples of neighbours, by the epoch and the rank.

        So a training that goes on from a checkpoint draws as if it had not stopped, with no state of each process in
        it. A single process draws on from where it is.
        """
        if self.size == 1:
            return
        digest = hashlib.sha256(f"{seed} {epoch} {self.rank} {self.size}".encode()).digest()
        drawn = int.from_bytes(digest[:7])
        torch.manual_seed(drawn)
        if own is not None:
            own.manual_seed(drawn)
