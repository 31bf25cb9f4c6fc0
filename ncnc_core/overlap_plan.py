"""Which overlaps a predictor will ask for, so that a batch can be sampled with just those."""

from __future__ import annotations

from dataclasses import dataclass

from ncnc_core.errors import InvalidGraph
from ncnc_core.link_network import LinkNetwork
from ncnc_core.ncnc import NCNC


@dataclass(frozen=True)
class OverlapPlan:
    """`common` lists of every pair; one-sided lists of pairs above `one_sided_depth`, at most `keep` nodes each.

    With `completes`, the one-sided nodes make inner pairs, `one_sided_depth` times over, whose common lists are needed
    too.
    """

    common: bool
    one_sided_depth: int
    completes: bool
    keep: int | None
    skip_other: bool
    edge_dropout: float
    symmetric_edge_dropout: bool

    @classmethod
    def of(cls, network: LinkNetwork) -> OverlapPlan:
        """Read the plan off a network, in its present mode.

        Raises:
            InvalidGraph: the predictor is ncn2, whose two-step rows no sample of neighbours gives.
        """
        config, predictor = network.config, network.predictor
        if config.predictor == "ncn2":
            raise InvalidGraph(
                "predictor ncn2 has no sampled mode: its rows of two-step neighbours are not bounded by a fan-out. "
                "Set predictor: ncnc or ncn, or neighbor_fan_out: null."
            )
        depth = predictor.depth if isinstance(predictor, NCNC) else int(config.predictor == "ncn_diff")
        return cls(
            common=config.predictor != "gae" or config.pair_structure,
            one_sided_depth=depth,
            completes=isinstance(predictor, NCNC),
            keep=predictor.max_neighbors if isinstance(predictor, NCNC) else None,
            skip_other=not config.score_known_edges_as_published,
            edge_dropout=config.predictor_edge_dropout if network.training else 0.0,
            symmetric_edge_dropout=config.symmetric_edge_dropout,
        )
