"""A device that takes the accelerator's way through the code, on a machine that has none.

Its tensors lie in main memory and say that they do not, so every branch on `device.type` goes as on a GPU, autograd
included. It counts where the host would have to wait for the device, and refuses what a GPU refuses: an operation on
tensors of two devices. It says nothing about time.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Self
from unittest import mock

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

DEVICE = torch.device("meta")  # known to every torch, and used by nothing here
# Operations that need a number from the device before the host goes on; bincount needs the largest value.
WAITS = {
    "aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::_unique2", "aten::unique_dim",
    "aten::unique_consecutive", "aten::bincount", "aten::repeat_interleave.Tensor",
}  # fmt: skip
BY_MASK = ("aten::index.Tensor", "aten::index_put", "aten::_index_put_impl_")
Arguments = Any  # whatever an operator takes and returns: tensors in lists and tuples, numbers, dtypes


class PretendedTensor(Tensor):
    """A tensor of the pretended device; `inner` holds its values."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> PretendedTensor:
        """Wrap a tensor in main memory; both share it."""
        made: PretendedTensor = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]  # untyped
            cls, inner.size(), strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            layout=inner.layout, device=DEVICE, requires_grad=False,
        )  # fmt: skip
        made.inner = inner
        return made

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Sequence[type], args: Arguments = (), kwargs: Arguments = None
    ) -> Any:
        """Answer tolist, which torch refuses for such classes, and leave the rest to the operators."""
        if func is Tensor.tolist:
            _note(torch.utils._python_dispatch._get_current_dispatch_mode(), "tolist")
            return args[0].inner.tolist()
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Sequence[type], args: Arguments = (), kwargs: Arguments = None
    ) -> Any:
        """Work on the inner tensors, also where no mode is entered: in the threads of the backward pass."""
        return _worked(func, args, kwargs or {}, None)


class _NoAutocast(torch.autocast):
    """Autocast that is entered and changes nothing: torch refuses it for this device."""

    def __init__(self, *_: Any, **__: Any) -> None:  # Any: as torch.autocast takes them
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        pass


class PretendedAccelerator(TorchDispatchMode):
    """Inside the block the device exists; `waits` says what the host waited for: the operation, and where."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[tuple[str, str]] = []
        self._patches = ExitStack()

    def __enter__(self) -> Self:
        """Begin; autocast knows no such device, and is left out."""
        self._patches.enter_context(mock.patch("torch.autocast", _NoAutocast))
        self._patches.enter_context(mock.patch("torch.is_autocast_enabled", return_value=False))
        entered: Self = super().__enter__()
        return entered

    def __exit__(self, *error: Any) -> None:  # Any: an exception, or three times None
        """End, and give back what was replaced."""
        super().__exit__(*error)
        self._patches.close()

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Arguments = (), kwargs: Arguments = None
    ) -> Any:
        """Work on the inner tensors, and count the waits."""
        return _worked(func, args, kwargs or {}, self)

    def moved(self, network: nn.Module) -> nn.Module:
        """Put the parameters and buffers of a network onto the device, in place, and return it."""
        for module in network.modules():
            for name, parameter in module._parameters.items():
                if parameter is not None:
                    values = nn.Parameter(PretendedTensor(parameter.detach().clone()), parameter.requires_grad)
                    module._parameters[name] = values
            for name, buffer in module._buffers.items():
                module._buffers[name] = None if buffer is None else PretendedTensor(buffer.clone())
        return network


def values_of(tensor: Tensor) -> Tensor:
    """Return the values of a tensor, of whichever device."""
    return tensor.detach().inner if isinstance(tensor, PretendedTensor) else tensor.detach()  # type: ignore[attr-defined]


def _worked(func: Any, args: Arguments, kwargs: Arguments, mode: PretendedAccelerator | None) -> Any:
    """Return what an operator answers: pretended where an argument is, or where it is asked for."""
    given: dict[int, PretendedTensor] = {}
    plain: list[Tensor] = []

    def inner(one: Any) -> Any:
        if isinstance(one, PretendedTensor):
            given[id(one.inner)] = one
            return one.inner
        if isinstance(one, Tensor) and one.dim():
            plain.append(one)
        return one

    args, kwargs = tree_map(inner, args), tree_map(inner, kwargs)
    name, asked = func.name(), kwargs.get("device")
    lands = bool(given) if asked is None else torch.device(asked) == DEVICE
    if asked is not None:
        kwargs["device"] = torch.device("cpu")
    is_copy = name in ("aten::_to_copy", "aten::copy_")
    if given and plain and not is_copy:
        raise RuntimeError(f"{name} got tensors of two devices, the pretended one and the CPU. Move one of them.")
    if given and _waits(name, args, kwargs, leaves=is_copy and not lands):
        _note(mode, name)

    def outer(one: Any) -> Any:
        if not isinstance(one, Tensor) or isinstance(one, PretendedTensor):
            return one
        if id(one) in given:  # in place: the very tensor that was given
            return given[id(one)]
        return PretendedTensor(one) if lands else one

    return tree_map(outer, func(*args, **kwargs))


def _waits(name: str, args: Arguments, kwargs: Arguments, *, leaves: bool) -> bool:
    if name.startswith(BY_MASK):  # the places that a mask names are counted first
        return any(one is not None and one.dtype in (torch.bool, torch.uint8) for one in args[1])
    return leaves or (name in WAITS and kwargs.get("output_size") is None)


def _note(mode: Any, name: str) -> None:  # Any: whichever mode is entered
    if isinstance(mode, PretendedAccelerator):
        frames = [one for one in traceback.extract_stack() if "/ncnc_core/" in one.filename]
        places = [f"{one.filename.rpartition('/ncnc_core/')[2]}:{one.lineno}" for one in frames[-2:]]
        mode.waits.append((name, " > ".join(places)))
