"""The blocks of a predictor with their weights fixed: linear maps that follow one another multiplied out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear

from ncnc_core.pair_head import PairHead


class FixedHead:
    """What a `PairHead` in evaluation mode computes, with five products of [channels, channels] a pair, not seven.

    The first linear map of the neighbourhood's block acts on the nodes before they are pooled (the sum of images is
    the image of the sum), and the last ones of both blocks, with beta, are multiplied into the first of the readout.
    Logits agree with the head's up to rounding: 1e-5 in float32, relative to their size; in bfloat16 about 1e-2.
    """

    def __init__(self, head: PairHead, *, precision: torch.dtype = torch.float32) -> None:
        self.precision = precision
        neighbor, pair, readout = list(head.neighbor_mlp), list(head.pair_mlp), list(head.readout)
        with torch.no_grad():
            # The map of the nodes stays float32: it is one product a node, not one a pair.
            self.node_map, self.node_bias = _parameters(neighbor[0])
            self.neighbor_map, self.neighbor_norm = self._linear(neighbor[3]), self._norm(neighbor[4])
            self.pair_map, self.pair_norm = self._linear(pair[0]), self._norm(pair[1])
            weight, bias = _parameters(readout[0])
            from_neighbor, neighbor_bias = _then(weight, neighbor[7] if len(neighbor) > 7 else None)
            from_pair, pair_bias = _then(weight, pair[4] if len(pair) > 4 else None)
            beta = head.beta.detach()
            self.join = (beta * from_neighbor).to(precision), from_pair.to(precision)
            self.join_bias = (bias + beta * neighbor_bias + pair_bias).to(precision)
            self.readout_norm = self._norm(readout[1])
            # Linear, norm, dropout, ReLU: the next linear map is four further on.
            self.later = [(self._linear(readout[k]), self._norm(readout[k + 1])) for k in range(4, len(readout) - 1, 4)]
            self.last = self._linear(readout[-1])

    def node_values(self, g: Tensor) -> Tensor:
        """Return what is pooled in the place of g, [nodes, channels]."""
        return linear(g.to(self.node_map.dtype), self.node_map)

    def __call__(self, h: Tensor, pairs: Tensor, pooled: Tensor) -> Tensor:
        """Return the logits, [pairs] float32; `pooled` is the sum of `node_values`, and is overwritten."""
        from_neighbors = pooled.add_(self.node_bias).relu_().to(self.precision)
        from_neighbors = _normed(linear(from_neighbors, *self.neighbor_map), self.neighbor_norm)
        h = h.to(self.precision)
        of_pair = h.index_select(0, pairs[0]).mul_(h.index_select(0, pairs[1]))
        of_pair = _normed(linear(of_pair, *self.pair_map), self.pair_norm)
        z = torch.addmm(linear(of_pair, self.join[1], self.join_bias), from_neighbors, self.join[0].T)
        z = _normed(z, self.readout_norm)
        for map_, norm in self.later:
            z = _normed(linear(z, *map_), norm)
        return linear(z, *self.last).squeeze(-1).to(torch.float32)

    def _linear(self, layer: nn.Module) -> tuple[Tensor, Tensor]:
        weight, bias = _parameters(layer)
        return weight.to(self.precision), bias.to(self.precision)

    def _norm(self, layer: nn.Module) -> tuple[Tensor, Tensor, float] | None:
        return (*self._linear(layer), layer.eps) if isinstance(layer, nn.LayerNorm) else None


def _parameters(layer: nn.Module) -> tuple[Tensor, Tensor]:
    weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
    return weight.detach(), bias.detach()


def _then(weight: Tensor, before: nn.Module | None) -> tuple[Tensor, Tensor]:
    """Return the weight and the bias of weight * (before x), where there is a map before."""
    if before is None:
        return weight, weight.new_zeros(weight.shape[0])
    earlier, bias = _parameters(before)
    return weight @ earlier, weight @ bias


def _normed(x: Tensor, norm: tuple[Tensor, Tensor, float] | None) -> Tensor:
    if norm is not None:
        x = layer_norm(x, x.shape[-1:], norm[0], norm[1], norm[2])
    return x.relu_()
