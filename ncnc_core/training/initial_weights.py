"""A network that begins with the weights of another one."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from ncnc_core.errors import InvalidGraph


def begin_with(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put the weights into the network.

    Raises:
        InvalidGraph: they are of another architecture.
    """
    own = network.state_dict()
    wrong = sorted(
        name for name in own.keys() | weights.keys()
        if name not in own or name not in weights or own[name].shape != weights[name].shape
    )  # fmt: skip
    if wrong:
        raise InvalidGraph(
            f"initial_weights do not fit the model: {len(wrong)} of {len(own)} tensors are missing, unknown or of "
            f"another shape (first: {wrong[0]}). Give the state_dict of a network of the same sizes and switches; its "
            "predictor may be ncn where this one is ncnc."
        )
    network.load_state_dict(weights)
