"""Networks built without initial weights, to be loaded: nothing is drawn and no memory is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode


class _NothingDrawn(TorchFunctionMode):
    """Leaves a tensor as it is wherever `torch.nn.init` would fill it.

    The meta device alone is not enough: there `normal_` is written in Python, and its first call imports all of
    torch._dynamo, a second and 70 MiB in every process that opens a model.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],  # Any, here and below: every function of torch passes through
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if getattr(function, "__module__", None) == nn.init.__name__:  # a slot of the C tensor has no module
            return args[0] if args else (kwargs or {})["tensor"]
        return function(*args, **(kwargs or {}))


@contextmanager
def blank_weights() -> Iterator[None]:
    """Build networks without values, on the meta device; nothing is drawn from the caller's random state."""
    with torch.device("meta"), _NothingDrawn():
        yield
