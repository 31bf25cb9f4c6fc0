"""The last part of every predictor: from pooled neighbourhoods and the product of two nodes to one logit."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ncnc_core.kernels import pair_product as kernels
from ncnc_core.kernels.thread_slices import in_slices
from ncnc_core.networks.dropout import Dropout


class PairHead(nn.Module):
    """logit = readout(beta * neighbor_mlp(pooled) + pair_mlp(h_i * h_j)), and the node values that are pooled."""

    def __init__(
        self,
        *,
        channels: int,
        dropout: float,
        layer_norm: bool,
        neighbor_transform: bool,
        neighbor_output_linear: bool,
        two_layer_head: bool,
        beta: float,
        extra_neighborhood: bool = False,
        extra_channels: int | None = None,
        pooled_channels: int | None = None,
    ) -> None:
        super().__init__()
        sizes = (channels, dropout, layer_norm)
        self.neighbor_transform = _late_norm_block(*sizes, output=False) if neighbor_transform else None
        self.neighbor_mlp = _late_norm_block(
            *sizes, output=neighbor_output_linear, in_channels=pooled_channels or channels
        )
        self.extra_mlp: nn.Module | None = None
        if extra_neighborhood:
            self.extra_mlp = _late_norm_block(*sizes, output=neighbor_output_linear)
        if extra_channels is not None:  # something else than a neighbourhood, of so many channels
            self.extra_mlp = nn.Linear(extra_channels, channels)
        self.pair_mlp = _pair_block(*sizes, output=neighbor_output_linear)
        self.readout = _readout_block(*sizes, two_layers=two_layer_head)
        self.beta = nn.Parameter(torch.tensor(beta))

    def node_values(self, h: Tensor) -> Tensor:
        """Return g = h + neighbor_transform(h), [nodes, channels]: what common neighbours contribute."""
        return h if self.neighbor_transform is None else h + self.neighbor_transform(h)

    def forward(
        self, h: Tensor, pairs: Tensor, pooled: Tensor, extra: Tensor | None = None, occupied: Tensor | None = None
    ) -> Tensor:
        """Return the logits, [pairs].

        Where all empty neighbourhoods share one value (no dropout, no gradients), `occupied` [rows] names the pairs
        whose rows `pooled` [rows, channels] holds; the rest pool nothing.
        """
        return self.of_products(pair_product(h, pairs), pooled, extra, occupied)

    def of_products(
        self, products: Tensor, pooled: Tensor, extra: Tensor | None = None, occupied: Tensor | None = None
    ) -> Tensor:
        """Return the logits, [pairs], from the products h_i * h_j, [pairs, channels]."""
        z = self.pair_mlp(products)
        if occupied is None:
            z = self.beta * self.neighbor_mlp(pooled) + z
        else:
            full = self.beta * self.neighbor_mlp(pooled) + z[occupied]
            z += self.beta * self.neighbor_mlp(pooled.new_zeros(1, pooled.shape[1]))
            z[occupied] = full
        if self.extra_mlp is not None:
            z = z + self.extra_mlp(extra)
        logits: Tensor = self.readout(z)
        return logits.squeeze(-1)


def _norm(channels: int, present: bool) -> nn.Module:
    return nn.LayerNorm(channels) if present else nn.Identity()


def _late_norm_block(
    channels: int, dropout: float, layer_norm: bool, *, output: bool, in_channels: int | None = None
) -> nn.Sequential:
    """Linear Dropout ReLU Linear LayerNorm Dropout ReLU [Linear]: the order is the published one, and matters."""
    block = [
        nn.Linear(in_channels or channels, channels), Dropout(dropout), nn.ReLU(inplace=True),
        nn.Linear(channels, channels), _norm(channels, layer_norm), Dropout(dropout), nn.ReLU(inplace=True),
    ]  # fmt: skip
    return nn.Sequential(*block, *([nn.Linear(channels, channels)] if output else []))


def _pair_block(channels: int, dropout: float, layer_norm: bool, *, output: bool) -> nn.Sequential:
    block = [nn.Linear(channels, channels), _norm(channels, layer_norm), Dropout(dropout), nn.ReLU(inplace=True)]
    return nn.Sequential(*block, *([nn.Linear(channels, channels)] if output else []))


def _readout_block(channels: int, dropout: float, layer_norm: bool, *, two_layers: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(2 if two_layers else 1):
        layers += [
            nn.Linear(channels, channels),
            _norm(channels, layer_norm),
            Dropout(dropout),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.Linear(channels, 1))


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
