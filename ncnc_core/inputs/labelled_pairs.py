"""Edges and negatives of Data as PyTorch Geometric's RandomLinkSplit labels them."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.inputs.node_ids import Positions
from ncnc_core.inputs.pairs import PairInput
from ncnc_core.inputs.tables import as_table


class LabelledPairs(NamedTuple):
    """Pairs that are edges, and one set of pairs that are none, or None where there are no such."""

    edges: PairInput
    negatives: PairInput

    def beside(self, negatives: PairInput) -> tuple[PairInput, PairInput]:
        """Return the edges, and the negatives of the `Data` or those given beside it.

        Raises:
            InvalidGraph: there are both.
        """
        if self.negatives is not None and negatives is not None:
            raise InvalidGraph("The Data has negatives of its own, and others were given too. Leave one of them out.")
        return self.edges, self.negatives if negatives is None else negatives


def labelled_pairs(given: Any) -> LabelledPairs | None:
    """Return the labelled pairs of `Data`, and None for what is no `Data`.

    A label above 0 is an edge, 0 a negative. With `split_labels=True` the two stand apart.

    Raises:
        InvalidGraph: the `Data` has no labelled pairs.
    """
    if as_table(given) is not None or not (hasattr(given, "edge_index") or hasattr(given, "adj_t")):
        return None
    edges, negatives = getattr(given, "pos_edge_label_index", None), getattr(given, "neg_edge_label_index", None)
    if edges is None:
        pairs, label = getattr(given, "edge_label_index", None), getattr(given, "edge_label", None)
        if pairs is None or label is None:
            raise InvalidGraph(
                f"The Data has no labelled pairs, only {sorted(map(str, given.keys()))}. Give what RandomLinkSplit "
                "returned, with edge_label_index and edge_label, or pairs of nodes."
            )
        edges, negatives = pairs[:, label > 0], pairs[:, label <= 0]
    has_negatives = negatives is not None and negatives.shape[1] > 0
    return LabelledPairs(Positions(edges), Positions(negatives) if has_negatives else None)


def require_labels_in_graph(given: Any, has_edge: Any) -> None:
    """Refuse training `Data` some of whose labelled edges its graph lacks: they would be trained on by nobody.

    Raises:
        InvalidGraph: RandomLinkSplit kept edges for labels alone.
    """
    if getattr(given, "edge_label_index", None) is None or as_table(given) is not None:
        return
    labelled = labelled_pairs(given)
    if labelled is None:
        return
    missing = int((~has_edge(torch.as_tensor(labelled.edges.values))).sum())
    if missing:
        raise InvalidGraph(
            f"{missing} of {labelled.edges.values.shape[1]} labelled training edges are not in the graph of the Data "
            "(disjoint_train_ratio). Set disjoint_train_ratio=0.0: training hides the edges it learns from by itself."
        )
