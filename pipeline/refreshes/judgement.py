"""Whether a champion may be served on another graph: its scores are numbers, and it has not collapsed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ncnc_core.evaluation.edge_mean import paired_difference
from ncnc_core.evaluation.ranking import reciprocal_ranks
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.link_model import LinkModel, Positions
from pipeline.params.refresh import RefreshParams
from pipeline.records.findings import RuleVerdict

LOOKED_AT = 1000  # edges of the served graph whose scores are looked at
CONFIDENCE = 0.95
NOT_COLLAPSED = "not_collapsed"


@dataclass(frozen=True, eq=False)
class FreshEdges:
    """Edges that neither the weights nor the graph served before have seen, and the graph and features to test with.

    `positives` [2, p] and their own `negatives` [2, p * k] are positions of `node_ids`; `graph` is a night's message
    graph, which has none of the positives.
    """

    positives: Tensor
    negatives: Tensor
    node_ids: Sequence[int | str]
    graph: Adjacency
    features: Tensor | None


def judged(
    before: LinkModel, after: LinkModel, fresh: FreshEdges | str, params: RefreshParams
) -> tuple[RuleVerdict, ...]:
    """Return the rules of a refresh: `before` serves, `after` would; `fresh` may say why nothing can be tested."""
    return (_finite_scores(after), _not_collapsed(before, after, fresh, params))


def refusal(rules: Sequence[RuleVerdict]) -> str:
    """Return which rules refuse a refresh, with what was observed and needed; empty where none does."""
    broken = [rule for rule in rules if not rule.passed]
    return "; ".join(f"{rule.name}: observed {rule.observed}, needed {rule.threshold}" for rule in broken)


def _finite_scores(model: LinkModel) -> RuleVerdict:
    edges = model.adjacency.edges()
    chosen = edges[:, :: max(1, edges.shape[1] // LOOKED_AT)]
    broken = int((~model.score_pairs(Positions(chosen)).isfinite()).sum()) if chosen.numel() else 0
    return RuleVerdict(
        name="finite_scores",
        threshold="every score is a number",
        observed=f"{broken} of {chosen.shape[1]} edges of the new graph have none",
        passed=broken == 0,
    )


def _not_collapsed(before: LinkModel, after: LinkModel, fresh: FreshEdges | str, params: RefreshParams) -> RuleVerdict:
    """Compare the reciprocal ranks on both graphs: refuse a loss that is large, and whose whole interval is below 0.

    Edges that the graph served before holds, and those with an end that it lacks, are left out. A negative that it
    cannot be asked about is left out on both sides.
    """
    name = NOT_COLLAPSED
    threshold = f"MRR loses no more than {params.maximum_loss:g} with its whole interval below 0"
    if isinstance(fresh, str):
        return RuleVerdict(name=name, threshold=threshold, observed=f"not measured: {fresh}", passed=True)
    asked = _asked_of_both(before, fresh)
    if asked.num_edges < params.minimum_test_edges:
        observed = (
            f"not measured: {asked.num_edges} fresh edges that both graphs know, {params.minimum_test_edges} needed"
        )
        return RuleVerdict(name=name, threshold=threshold, observed=observed, passed=True)
    old = asked.scores(lambda pairs: before.score_pairs(Positions(asked.position_before[pairs])))
    new = asked.scores(
        lambda pairs: after.score_pairs(Positions(pairs), adjacency=fresh.graph, features=fresh.features)
    )
    if broken := int((~new[0].isfinite()).sum() + (~new[1].isfinite()).sum()):
        observed = f"{broken} scores on the new graph are no numbers"
        return RuleVerdict(name=name, threshold=threshold, observed=observed, passed=False)
    ranks_before, ranks = reciprocal_ranks(*old), reciprocal_ranks(*new)
    found = paired_difference(ranks, ranks_before, asked.positives, confidence=CONFIDENCE).interval
    observed = (
        f"MRR {float(ranks.mean()):.4f} on the new graph and {float(ranks_before.mean()):.4f} on the one served "
        f"before, {found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}] on {asked.num_edges} fresh edges"
    )
    lost = found.value < -params.maximum_loss and found.high < 0
    return RuleVerdict(name=name, threshold=threshold, observed=observed, passed=not lost)


@dataclass(frozen=True, eq=False)
class _AskedOfBoth:
    """The fresh edges that both graphs can be asked about.

    positives [2, p], negatives [2, p * k] in the new graph's positions; which negatives the graph before knows too [p,
    k]; the position before of each node, -1 where it was not there.
    """

    positives: Tensor
    negatives: Tensor
    known: Tensor
    position_before: Tensor

    @property
    def num_edges(self) -> int:
        return self.positives.shape[1]

    def scores(self, score: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """Return the scores [p] and [p, k]; a negative that one graph lacks is below all others."""
        positive, among = score(self.positives).double(), score(self.negatives[:, self.known.flatten()]).double()
        lowest = min((float(part.min()) for part in (positive, among) if part.numel()), default=0.0)
        negative = torch.full(self.known.shape, lowest - 1.0, dtype=torch.float64)
        negative[self.known] = among
        return positive, negative


def _asked_of_both(before: LinkModel, fresh: FreshEdges) -> _AskedOfBoth:
    places = before.position_of
    position = torch.tensor([places.get(one, -1) for one in fresh.node_ids], dtype=torch.int64)
    count = fresh.positives.shape[1]
    per_edge = fresh.negatives.shape[1] // max(count, 1)
    positives_before = position[fresh.positives]
    asked = (positives_before >= 0).all(0)
    asked[asked.clone()] = ~before.adjacency.has(positives_before[:, asked])
    negatives = fresh.negatives.view(2, count, per_edge)[:, asked]
    known = (position[negatives] >= 0).all(0)
    return _AskedOfBoth(fresh.positives[:, asked], negatives.flatten(1), known, position)
