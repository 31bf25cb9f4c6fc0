"""The weights' names of the published implementation, mapped to ours: to load published weights and check parity."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

_RULES = (
    (r"encoder/xemb\.0\.weight$", "encoder.input.embedding.weight"),
    (r"encoder/xemb\.1\.", "encoder.input.linear."),
    (r"encoder/convs\.", "encoder.convolutions."),
    (r"encoder/lins\.(\d+)\.0\.", r"encoder.after.\1.0."),
    (r"encoder/jkparams$", "encoder.layer_weights"),
    (r"predictor/xlin\.", "predictor.head.neighbor_transform."),
    (r"predictor/xcnlin\.", "predictor.head.neighbor_mlp."),
    (r"predictor/xcn12lin\.", "predictor.head.extra_mlp."),
    (r"predictor/xcnreslin\.", "predictor.head.extra_mlp."),
    (r"predictor/xijlin\.", "predictor.head.pair_mlp."),
    (r"predictor/lin\.", "predictor.head.readout."),
    (r"predictor/beta$", "predictor.head.beta"),
)


def to_our_names(published: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the published tensors under our names, shaped as `wanted`; constants and unused weights are left out."""
    result = {}
    for name, tensor in published.items():
        ours = _rename(name)
        # GAE has no head around its blocks; a one-layer readout has no placeholders for the second layer.
        for candidate in (
            ours,
            ours.replace(".head.", "."),
            ours.replace("readout.8.", "readout.4."),
            ours.replace(".head.readout.8.", ".readout.4."),
        ):
            if candidate in wanted:
                result[candidate] = tensor.reshape(wanted[candidate].shape)
                break
    return result


def _rename(name: str) -> str:
    for pattern, replacement in _RULES:
        renamed, count = re.subn("^" + pattern, replacement, name)
        if count:
            return renamed
    return name
