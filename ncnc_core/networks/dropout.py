"""Dropout by a hash kernel: torch's random generator would cost more than the layers around it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ncnc_core.kernels import dropout as kernel


class Dropout(nn.Dropout):
    """nn.Dropout, faster on a CPU: zero with probability p, the rest over 1 - p, p to a part in 2^32.

    One seed a call is drawn from torch's global generator, so runs repeat and resume as they do with torch's own.
    Other devices and number formats go to torch. Forward and backward of 700,000 values: 0.4 ms against 4.
    """

    def forward(self, input: Float[Tensor, ...]) -> Float[Tensor, ...]:  # torch's name for it
        """Return the values, dropped in training only."""
        if not self.training or self.p == 0.0:
            return input
        if input.device.type != "cpu" or input.dtype != torch.float32 or self.p == 1.0:
            return super().forward(input)
        result: Tensor = _Dropout.apply(input, self.p, int(torch.randint(2**62, ())))  # type: ignore[no-untyped-call]
        return result


class _Dropout(torch.autograd.Function):
    """Keeps the seed for the backward pass, and no mask."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, p: float, seed: int) -> Tensor:  # Any: torch passes its own context object
        ctx.p, ctx.seed = p, seed
        return dropped(values, p, seed)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        # Through apply, not `dropped`: what is dropped twice with one seed can be differentiated again.
        return _Dropout.apply(gradients[0], ctx.p, ctx.seed), None, None  # type: ignore[no-untyped-call]


def dropped(values: Float[Tensor, ...], p: float, seed: int) -> Float[Tensor, ...]:
    """Return the float32 values with the mask of this seed applied; the same seed gives the same mask."""
    values = values.detach().contiguous()
    out = torch.empty_like(values)
    halves = np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)
    below = np.uint32(min(round(p * 2**32), 2**32 - 1))
    kernel.drop(values.view(-1).numpy(), *halves, below, np.float32(1 / (1 - p)), out.view(-1).numpy())
    return out
