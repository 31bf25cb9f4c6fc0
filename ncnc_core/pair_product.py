"""h_i * h_j for each pair: what every pair block reads."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ncnc_core.kernels import pair_product as kernels
from ncnc_core.kernels.thread_slices import in_slices


def pair_product(
    values: Float[Tensor, "nodes channels"], pairs: Int64[Tensor, "2 pairs"]
) -> Float[Tensor, "pairs channels"]:
    """Return values[i] * values[j] for each pair (i, j), differentiable in the values.

    On a CPU in one pass, with a repeatable backward pass; elsewhere two gathers and a product, which is the twin.
    """
    if values.device.type != "cpu" or values.dtype not in (torch.float32, torch.float64):
        return values.index_select(0, pairs[0]) * values.index_select(0, pairs[1])
    result: Tensor = _PairProduct.apply(values, pairs)  # type: ignore[no-untyped-call]
    return result


class _PairProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, pairs: Tensor) -> Tensor:  # Any: torch passes its own context object
        values = values.contiguous()
        ctx.save_for_backward(values, pairs)
        out = values.new_empty(pairs.shape[1], values.shape[1])
        arrays = values.detach().numpy(), *_ends(pairs), out.numpy()
        in_slices(lambda start, stop: kernels.multiply(*arrays, start, stop), len(out), least=4096)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        values, pairs = ctx.saved_tensors
        out = torch.zeros_like(values)
        arrays = gradients[0].contiguous().numpy(), values.detach().numpy(), *_ends(pairs), out.numpy()
        # Threads share the channels: pairs that share a node would write the same row.
        least = max(32, 2**20 // max(1, pairs.shape[1]))
        in_slices(lambda start, stop: kernels.spread(*arrays, start, stop), out.shape[1], least=least)
        return out, None


def _ends(pairs: Tensor) -> tuple[Any, Any]:
    pairs = pairs.contiguous()
    return pairs[0].numpy(), pairs[1].numpy()
