"""What an earlier night's model, or the champion on that night's graph, reaches on tonight's edges."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import torch
from torch import Tensor

from ncnc_core.evaluation.edge_mean import edge_means, paired_difference
from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.link_model import LinkModel, Positions
from ncnc_core.splits.known_nodes import nodes_known_by
from pipeline.errors import InvalidInput
from pipeline.evaluation.compared_models import bound_scorers
from pipeline.evaluation.comparison import FreshPairs, ScoredPairs, Scorer, sampled, scored_pairs
from pipeline.graphs.tables import GraphTables
from pipeline.records.evaluation import AgedScores
from pipeline.records.scores import Interval


@dataclass(frozen=True, eq=False)
class Tonight:
    """What earlier nights are held against: tonight's pairs, message graph and features, and its models' scores.

    `cut` is the time up to which the message graph holds edges, and the positions below `known_nodes` were nodes by
    then. Without `champion`, `no_champion` says why none can score tonight's pairs.
    """

    graph: str
    run_name: str
    as_of: datetime
    cut: datetime
    known_nodes: int
    tables: GraphTables
    columns: str | None
    message: Adjacency
    features: Tensor | None
    pairs: FreshPairs
    challenger: ScoredPairs
    champion: tuple[LinkModel, ScoredPairs] | None
    no_champion: str = ""

    def on(self, places: Tensor) -> Tonight:
        """Return the same with some of the positives, by their places, and what was made of them."""
        champion = None if self.champion is None else (self.champion[0], self.champion[1].of(places))
        return replace(
            self, pairs=sampled(self.pairs, places), challenger=self.challenger.of(places), champion=champion
        )


def nodes_by(history: EdgeHistory, cut: datetime) -> int:
    """Return how many positions, from 0 on, were nodes by a time: positions only grow, and edges date their ends.

    Nodes without an edge that stand behind all others of their night are taken for later ones.
    """
    known = nodes_known_by(history, int(cut.timestamp())).nonzero()
    return int(known.max()) + 1 if known.numel() else 0


def tonights_model(tonight: Tonight, confidence: float) -> AgedScores:
    """Return what the challenger reaches: age 0 of the models."""
    value = _value(tonight.challenger.ranks, tonight.pairs, confidence)
    return AgedScores(nights=0, run_name=tonight.run_name, as_of=tonight.as_of, value=value)


def aged_model(
    tonight: Tonight, model: LinkModel, nights: int, run_name: str, as_of: datetime, confidence: float
) -> AgedScores:
    """Return what an earlier night's model reaches on tonight's message graph, as the challenger is scored.

    Raises:
        InvalidInput: its own graph holds some of the edges.
        InvalidGraph: it cannot be asked on tonight's graph, or a score is no number.
    """
    _expect_unseen(model, tonight.pairs)
    [scorer] = bound_scorers({"aged": model}, {}, tonight.message, tonight.features).values()
    scored = scored_pairs(tonight.pairs, scorer)
    return AgedScores(
        nights=nights,
        run_name=run_name,
        as_of=as_of,
        value=_value(scored.ranks, tonight.pairs, confidence),
        loss=_loss(tonight.challenger.ranks, scored.ranks, tonight.pairs, confidence),
    )


def tonights_graph(tonight: Tonight, confidence: float) -> AgedScores:
    """Return what the champion reaches on tonight's message graph: age 0 of the graphs."""
    value = _value(_on_message_graph(tonight), tonight.pairs, confidence)
    return AgedScores(
        nights=0,
        run_name=tonight.run_name,
        as_of=tonight.cut,
        value=value,
        unknown_edges=_unknown_edges(tonight.pairs, tonight.known_nodes),
    )


def aged_graph(
    tonight: Tonight, earlier: LinkModel, nights: int, run_name: str, as_of: datetime, confidence: float
) -> AgedScores:
    """Return what the champion's weights reach on the graph, and the features, that an earlier night's model carries.

    Raises:
        InvalidInput: there is no champion, or that graph holds some of the edges.
        InvalidGraph: the weights do not fit that graph, or a score is no number.
    """
    champion, _ = _champion_of(tonight)
    _expect_unseen(earlier, tonight.pairs)
    served = champion.on_graph(earlier.adjacency, earlier.features, earlier.node_ids)
    ranks = _ranks_of_known(tonight.pairs, earlier.num_nodes, lambda pairs: served.score_pairs(Positions(pairs)))
    return AgedScores(
        nights=nights,
        run_name=run_name,
        as_of=as_of,
        value=_value(ranks, tonight.pairs, confidence),
        loss=_loss(_on_message_graph(tonight), ranks, tonight.pairs, confidence),
        unknown_edges=_unknown_edges(tonight.pairs, earlier.num_nodes),
    )


def _champion_of(tonight: Tonight) -> tuple[LinkModel, ScoredPairs]:
    if tonight.champion is None:
        raise InvalidInput(f"No champion can score tonight's pairs: {tonight.no_champion}. Promote a model first.")
    return tonight.champion


def _on_message_graph(tonight: Tonight) -> Tensor:
    """Return the champion's reciprocal ranks where nodes that came after the cut have no score."""
    _, scored = _champion_of(tonight)
    return _last_where_unknown(scored.positive, scored.negative, tonight.pairs, tonight.known_nodes)


def _ranks_of_known(pairs: FreshPairs, num_known: int, score: Scorer) -> Tensor:
    """Return the reciprocal ranks [p] by a scorer that can be asked about positions below `num_known` alone."""

    def known_alone(asked: Tensor) -> Tensor:
        known = (asked < num_known).all(0)
        scores = torch.zeros(asked.shape[1], dtype=torch.float64)
        scores[known] = score(asked[:, known]).double()
        return scores

    positive, negative = known_alone(pairs.positives), known_alone(pairs.negatives)
    return _last_where_unknown(positive, negative.view(positive.numel(), -1), pairs, num_known)


def _last_where_unknown(positive: Tensor, negative: Tensor, pairs: FreshPairs, num_known: int) -> Tensor:
    """Return the reciprocal ranks [p] with every pair that has an unknown end below all others, and level with them."""
    known = (pairs.positives < num_known).all(0)
    known_negative = (pairs.negatives < num_known).all(0).view_as(negative)
    held = torch.cat([positive[known], negative[known_negative]])
    lowest = held.min() - 1 if held.numel() else positive.new_zeros(())
    return reciprocal_ranks(torch.where(known, positive, lowest), torch.where(known_negative, negative, lowest))


def _unknown_edges(pairs: FreshPairs, num_known: int) -> int:
    return int((pairs.positives >= num_known).any(0).sum())


def _expect_unseen(model: LinkModel, pairs: FreshPairs) -> None:
    known = pairs.positives[:, (pairs.positives < model.num_nodes).all(0)]
    if held := int(model.adjacency.has(known).sum()):
        raise InvalidInput(f"Its graph holds {held} of the test edges, although they came later. Audit that night.")


def _value(ranks: Tensor, pairs: FreshPairs, confidence: float) -> Interval:
    return Interval.of(edge_means(ranks[None], pairs.positives, confidence=confidence)[0].interval)


def _loss(tonights: Tensor, ranks: Tensor, pairs: FreshPairs, confidence: float) -> Interval:
    return Interval.of(paired_difference(tonights, ranks, pairs.positives, confidence=confidence).interval)
