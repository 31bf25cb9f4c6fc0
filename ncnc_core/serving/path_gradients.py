"""How much each input of a predictor's head moves the logit, along the path from nothing to the inputs as they are."""

from __future__ import annotations

import copy
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

FEWEST_STEPS, MOST_STEPS = 256, 4096  # places on the path at which the gradient is taken
SMALL = 1e-4  # logits left over by the integration, at which it stops


@runtime_checkable  # beartype checks annotations against it in the tests
class Head(Protocol):
    """What turns inputs into logits; a torch module, all of them."""

    @property
    def product_logits(self) -> Any:
        """Return the logits, [rows], of inputs [rows, width]; the kinds differ in how many inputs they take."""


def path_gradients(predictor: Head, inputs: list[Tensor]) -> tuple[float, list[Tensor]]:
    """Return the logit at the start of the path, and the mean gradient along it for each input.

    In float64, on a copy of the head, at the midpoints of steps that are shorter towards the start, where layer norms
    turn most. The steps are halved until what they leave over is small: a gradient that jumps at a ReLU converges
    slowly, and no other rule does better.
    """
    head = copy.deepcopy(predictor).double().eval().product_logits  # type: ignore[attr-defined]  # a module, all of them
    with torch.no_grad():
        start, end = head(*(torch.stack([torch.zeros_like(one), one]) for one in inputs)).tolist()
    steps = FEWEST_STEPS
    while True:
        edges = torch.linspace(0, 1, steps + 1, dtype=torch.float64, device=inputs[0].device).square()
        rows = [((edges[1:] + edges[:-1]) / 2).outer(one).requires_grad_() for one in inputs]
        with torch.enable_grad():
            slopes = torch.autograd.grad(head(*rows).sum(), rows)
        gradients = [edges.diff() @ slope for slope in slopes]
        left = end - start - sum(float(one @ gradient) for one, gradient in zip(inputs, gradients, strict=True))
        if abs(left) < SMALL or steps >= MOST_STEPS:
            return start, gradients
        steps *= 2
