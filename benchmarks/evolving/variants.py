"""The variants of the temporal model's automatic recipe that are measured beside it, each with one setting changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from ncnc_core.networks import temporal_network
from ncnc_core.networks.quantile_scale import QuantileScale
from ncnc_core.temporal import directed_paths, pair_features, timed_graph

BASE = "as it is"


@dataclass(frozen=True)
class Variant:
    """Fields of TrainingConfig that differ from the recipe, and what is patched while a run lasts."""

    training: Mapping[str, Any] = field(default_factory=dict)
    patched: Callable[[], AbstractContextManager[None]] = nullcontext


@contextmanager
def scales(values: tuple[float, ...], pooled: tuple[int, ...]) -> Iterator[None]:
    """Tell recency at these scales, in windows; neighbours are pooled at the `pooled` ones of them."""
    names = tuple(f"{scale:g}" for scale in values)
    old = [one for one in timed_graph.NODE_FEATURES if not one.startswith("activity_")]
    node = (*old[:2], *(f"activity_{one}" for one in names), *old[2:])
    kinds = ("recent_common", "recent_allocation", "most_recent_common")
    paths = ("long_paths", *(f"recent_long_paths_{one}" for one in names), "long_paths_of_events")
    one_window = values.index(1.0)
    with (
        patch.multiple(timed_graph, SCALES=values, RECENT=one_window, NODE_FEATURES=node),
        patch.multiple(directed_paths, RECENT=one_window),
        patch.multiple(
            pair_features,
            SCALES=values,
            LONG_PATHS=paths,
            RECENT_OVERLAP=tuple(f"{kind}_{one}" for kind in kinds for one in names),
            ENDS=tuple(f"{side}_{name}" for side in ("smaller", "larger") for name in node),
        ),
        patch.multiple(temporal_network, NODE_FEATURES=node, POOLED_SCALES=pooled, HEADS=1 + len(pooled)),
    ):
        yield


@contextmanager
def no_quantiles() -> Iterator[None]:
    """Leave out the second reading of each pair feature, its place among the quantiles: zeros stand for it."""
    whole = QuantileScale.forward

    def forward(self: QuantileScale, values: Tensor) -> Tensor:
        standard, place = whole(self, values).chunk(2, 1)
        return torch.cat([standard, torch.zeros_like(place)], 1)

    with patch.object(QuantileScale, "forward", forward):
        yield


VARIANTS: dict[str, Variant] = {
    BASE: Variant(),
    "4 negatives": Variant({"negatives_per_positive": 4}),
    "16 negatives": Variant({"negatives_per_positive": 16}),
    "3 windows": Variant({"windows": 3}),
    "10 windows": Variant({"windows": 10}),
    "no quantiles": Variant(patched=no_quantiles),
    "scales 0.25 and 1": Variant(patched=lambda: scales((0.25, 1.0), (0, 1))),
    "scales up to 16": Variant(patched=lambda: scales((0.05, 0.25, 1.0, 4.0, 16.0), (1, 2, 3, 4))),
}
