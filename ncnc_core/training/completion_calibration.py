"""The constants of completion (scale, offset, alpha) chosen on validation after training; alpha 0 switches it off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ncnc_core.config.choices import SelectionMetric
from ncnc_core.config.model import ModelConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import Adjacency, contains_keys, pair_keys
from ncnc_core.graph.cost_chunks import cost_chunks
from ncnc_core.networks.blank_weights import blank_weights
from ncnc_core.networks.completion_trials import CompletionConstants, logits_with_each, shares_inner_logits
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.networks.ncnc import NCNC
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.training.data import TrainingData
from ncnc_core.training.ranks import Ranks
from ncnc_core.training.validation import metrics_of, validation_scores

ALPHAS = (0.25, 0.5, 0.75, 1.0)  # besides 0, which needs one trial whatever the belief, and the configured one
INNER_PAIRS = 2**21  # fitted on at most; the neighbours of so many targets as give about these are taken
ENTRIES_AT_ONCE = 2**20
NEWTON_STEPS = 50


Scores = tuple[Tensor, Tensor]  # the logits of validation edges, and of their negatives


@dataclass(frozen=True)
class CompletionTrial(CompletionConstants):
    """Three constants of completion, and the validation metric of the network that has them."""

    value: float


@dataclass(frozen=True)
class CompletionCalibration:
    """What was tried, in order, and what was chosen."""

    trials: tuple[CompletionTrial, ...]
    chosen: CompletionTrial


def require_completion(model: ModelConfig) -> None:
    """Refuse, before the first epoch, to calibrate what is not there.

    Raises:
        InvalidGraph: the predictor completes nothing.
    """
    if model.predictor != "ncnc" or model.completion_depth == 0:
        raise InvalidGraph(
            f"calibrate_completion fits the completion of ncnc, but the predictor is {model.predictor} with "
            f"completion_depth {model.completion_depth}. Set predictor: ncnc and completion_depth of at least 1, or "
            "calibrate_completion: false."
        )


def calibrate_completion(
    network: LinkNetwork,
    data: TrainingData,
    adjacency: Adjacency,
    metric: SelectionMetric,
    *,
    sample: TrainingData | None = None,
    did: Callable[[int], None] | None = None,
) -> tuple[LinkNetwork, CompletionCalibration]:
    """Return the network with the constants of completion that validate best, and the record of the choice.

    Beliefs tried: the configured scale and offset; `platt_fit` of the inner logits against "is a held-out validation
    link", which are the very pairs and logits that completion asks about; and that fit at equal odds, the offset moved
    to where links and others are as many, for held-out links are few among all that are missing. Each with every alpha
    of a small grid. The declared metric decides among these few; equal values go to the smaller alpha, so that
    completion has to earn its place, and to 0 where it changes nothing. The configured constants are among the trials:
    calibration never lowers the metric on validation. Weights and test pairs have no part in it. With a `sample`, the
    data with some of the validation edges, these decide; `confirmed` looks at them all.
    Cost: two or three validations; on a dense graph, and at a completion_depth above 1, about a dozen. `did` hears of
    the pairs that were scored.
    """
    config = network.config
    fitted = Ranks.here().of_first(_fitted_beliefs(network, data, adjacency))
    beliefs = [(config.completion_scale, config.completion_offset), *fitted]
    alphas = sorted({*ALPHAS, config.completion_alpha} - {0.0})
    constants = [(*beliefs[0], 0.0), *((*belief, alpha) for belief in beliefs for alpha in alphas)]
    tried = [CompletionConstants(*one) for one in constants]
    judging = data if sample is None else sample
    trials = []
    for one, scores in zip(tried, _scores_with_each(network, judging, adjacency, tried, did), strict=True):
        value = metrics_of(*scores, metric, judging.negatives_per_valid_edge)[metric]
        trials.append(CompletionTrial(one.scale, one.offset, one.alpha, value))
    chosen = max(trials, key=lambda trial: (trial.value, -trial.alpha))  # the first of equals: the configured belief
    return _with(network, chosen), CompletionCalibration(tuple(trials), chosen)


def confirmed(
    network: LinkNetwork,
    found: CompletionCalibration,
    data: TrainingData,
    adjacency: Adjacency,
    metric: SelectionMetric,
    *,
    configured: ModelConfig,
    did: Callable[[int], None] | None = None,
) -> tuple[LinkNetwork, CompletionCalibration, Scores]:
    """Hold the chosen constants beside the `configured` ones on all validation edges, and return the better.

    That is what a sample chose, unless it turns out worse on all of them; its trial then has the value on all, and the
    logits of all are returned with it.
    """
    own = CompletionConstants(configured.completion_scale, configured.completion_offset, configured.completion_alpha)
    chosen = CompletionConstants(found.chosen.scale, found.chosen.offset, found.chosen.alpha)
    tried = [chosen] if chosen == own else [chosen, own]
    scores = _scores_with_each(network, data, adjacency, tried, did)
    values = [metrics_of(*one, metric, data.negatives_per_valid_edge)[metric] for one in scores]
    best = max(range(len(tried)), key=values.__getitem__)  # the first of equals: what was chosen
    trial = CompletionTrial(tried[best].scale, tried[best].offset, tried[best].alpha, values[best])
    return _with(network, trial), replace(found, chosen=trial), scores[best]


def _with(network: LinkNetwork, constants: CompletionConstants) -> LinkNetwork:
    return with_completion(network, scale=constants.scale, offset=constants.offset, alpha=constants.alpha)


def _scores_with_each(
    network: LinkNetwork,
    data: TrainingData,
    adjacency: Adjacency,
    tried: Sequence[CompletionConstants],
    did: Callable[[int], None] | None,
) -> list[Scores]:
    """Return the validation logits with each of the constants, the work that they share done once where it can be."""
    asking = _asking(network)
    if not shares_inner_logits(asking, adjacency):
        return [validation_scores(_with(network, one), data, adjacency, did=did) for one in tried]
    levels, ranks = node_levels(asking, data.features, adjacency), Ranks.here()
    did = ranks.counting(did)
    positive, negative = (
        ranks.scored(lambda own: logits_with_each(asking, levels, adjacency, own, tried, did=did), pairs)
        for pairs in (data.valid_edges, data.valid_negatives)
    )
    return list(zip(positive, negative, strict=True))


def _asking(network: LinkNetwork) -> LinkNetwork:
    """Return the network with completion on: off there is no inner pass to look at."""
    config = network.config
    return with_completion(
        network,
        scale=config.completion_scale,
        offset=config.completion_offset,
        alpha=config.completion_alpha or 1.0,
    )


def with_completion(network: LinkNetwork, *, scale: float, offset: float, alpha: float) -> LinkNetwork:
    """Return a network of these very weights, in evaluation mode, with other constants of completion."""
    constants = {"completion_scale": scale, "completion_offset": offset, "completion_alpha": alpha}
    config = ModelConfig.model_validate(network.config.model_dump() | constants)
    with blank_weights():  # an orthogonal table takes a while to draw
        other = LinkNetwork(config, num_features=network.num_features, num_ids=network.num_ids)
    other.load_state_dict(network.state_dict(), assign=True)
    return other.eval()


def platt_fit(logit: Float[Tensor, " pairs"], is_link: Bool[Tensor, " pairs"]) -> tuple[float, float] | None:
    """Fit P(link) = sigmoid(scale * (logit - offset)), and return scale and offset; None where there is no such fit.

    Logistic regression by Newton's method in float64, with Platt's targets (N+ + 1) / (N+ + 2) and 1 / (N- + 2) in
    place of 1 and 0, which keep the scale finite where the classes can be told apart completely. There is no fit to
    one class, to logits all equal, nor where links have the lower logits: their belief would be upside down.
    Source: Platt, Probabilistic Outputs for Support Vector Machines, 1999.
    """
    links = int(is_link.sum())
    others = is_link.numel() - links
    spread = float(logit.double().std()) if logit.numel() > 1 else 0.0
    if not links or not others or spread == 0.0:
        return None
    center = float(logit.double().mean())
    z = (logit.double() - center) / spread  # unit variance, so that Newton starts within reach
    target = torch.where(is_link, (links + 1) / (links + 2), 1 / (others + 2)).double()
    design = torch.stack([z, torch.ones_like(z)])  # [2, pairs]
    weight = torch.tensor([0.0, float((target.mean() / (1 - target.mean())).log())], dtype=torch.float64).to(z.device)
    for _ in range(NEWTON_STEPS):
        p = torch.sigmoid(weight @ design)
        hessian = (design * (p * (1 - p))) @ design.T + 1e-9 * torch.eye(2, dtype=torch.float64, device=z.device)
        step = torch.linalg.solve(hessian, design @ (p - target))
        weight = weight - step * min(1.0, 2.0 / max(float(step.abs().max()), 1e-12))  # a long step would overshoot
        if float(step.abs().max()) < 1e-10:
            break
    slope, intercept = weight.tolist()
    if not slope > 0:
        return None
    return slope / spread, center - intercept / slope * spread


def _fitted_beliefs(network: LinkNetwork, data: TrainingData, adjacency: Adjacency) -> list[tuple[float, float]]:
    logit, is_link = _inner_logits(network, data, adjacency)
    fit = platt_fit(logit, is_link)
    if fit is None:
        return []
    scale, offset = fit
    # Equal odds: scale * (z - offset) less the log odds of a link among the inner pairs.
    share = float(is_link.double().mean())
    return [fit, (scale, offset + float(torch.tensor(share).logit()) / scale)]


def _inner_logits(network: LinkNetwork, data: TrainingData, adjacency: Adjacency) -> tuple[Tensor, Tensor]:
    """Return the logit of each inner pair that completion asks about, and whether it is a held-out validation link."""
    asked = _asking(network)
    predictor = asked.predictor
    if not isinstance(predictor, NCNC):  # require_completion has refused it
        raise TypeError(f"{type(predictor).__name__} completes nothing")
    outer = node_levels(asked, data.features, adjacency)
    inner = _inner_pairs(predictor, _targets(data, adjacency), adjacency, outer[0])
    levels = predictor.inner_levels(outer)
    predictor.depth -= 1  # what the outer call asks
    held_out = pair_keys(data.valid_edges, data.num_nodes).sort().values
    is_link = contains_keys(held_out, pair_keys(inner, data.num_nodes))
    return Ranks.here().scored(lambda own: score_pairs(asked, levels, adjacency, own), inner), is_link


def _targets(data: TrainingData, adjacency: Adjacency) -> Tensor:
    """Return validation edges and as many negatives, evenly spaced so that their neighbours stay within bounds."""
    repeat = max(1, data.valid_negatives.shape[1] // data.valid_edges.shape[1])
    targets = torch.cat([data.valid_edges, data.valid_negatives[:, ::repeat]], 1)
    entries = int(adjacency.degree[targets].sum())
    return targets[:, :: max(1, -(-entries // INNER_PAIRS))]


def _inner_pairs(predictor: NCNC, targets: Tensor, adjacency: Adjacency, h: Tensor) -> Tensor:
    """Return each distinct pair (j, u), u a neighbour of i and none of j, over the targets (i, j), both ways round."""
    n, found = adjacency.num_nodes, targets.new_empty(0)
    for part in cost_chunks(1 + adjacency.degree[targets].sum(0), ENTRIES_AT_ONCE):
        pairs = targets[:, part]
        common = adjacency.common_neighbors(pairs)
        for node, other in ((pairs[0], pairs[1]), (pairs[1], pairs[0])):
            cap = predictor.max_neighbors
            lists = adjacency.exclusive_neighbors(node, other, common, skip_other=True, limit=cap, order_by=h)
            found = torch.cat([found, pair_keys(torch.stack([other[lists.owner], lists.node]), n)]).unique()
    low = found.div(max(n, 1), rounding_mode="floor")
    return torch.stack([low, found - low * n])
