"""The decision over nights: a pure function from an evaluation that tells of the shadow, to what becomes of it.

Tonight's model is not promoted by one night's figures. It becomes the shadow where the place is free, and the model
that has the place is promoted when its evidence suffices, on a night on which it passes every other rule as well.
"""

from __future__ import annotations

from pipeline.errors import InvalidInput
from pipeline.params.decide import DecideParams
from pipeline.promotion import gate
from pipeline.promotion.shadow import ShadowRule
from pipeline.records.chain import GraphSnapshot, PromotionDecision
from pipeline.records.evaluation import EvaluationRecord, ShadowPlace, ShadowScores
from pipeline.records.evidence import Evidence
from pipeline.records.findings import RuleVerdict
from pipeline.records.shadow import Beginning, ShadowVerdict
from pipeline.records.shadow_evidence import as_challenger, counts, evidence_after, first_evidence

RULE = ShadowRule()
NAME = "evidence_over_champion"


def decide(
    evaluation: EvaluationRecord, params: DecideParams, snapshot: GraphSnapshot, rule: ShadowRule = RULE
) -> PromotionDecision:
    """Decide by the evidence of nights where `decide.evidence` says so, and else by the night alone.

    Without a champion, or with one that cannot be compared, there is nothing to gather evidence on: such a night is
    decided by itself in any case.

    Raises:
        InvalidInput: the evaluation does not tell of the shadow's place.
    """
    if params.evidence == "night":
        return gate.decide(evaluation, params)
    place = evaluation.shadow_place
    if place is None:
        raise InvalidInput(
            f"decide.evidence is accumulated, and the evaluation of run {snapshot.run_name} does not say who has the "
            f"shadow's place. Start a run of another as-of, or set decide.evidence: night."
        )
    standing = None if place.shadow is None else _standing(place.shadow, place, evaluation, params, snapshot, rule)
    own = _own(standing, place, evaluation, snapshot, rule)
    if standing is not None and own is not None and own.begins == "early":
        standing = standing.model_copy(update={"standing": "overtaken", "promote": False})
    comparable = evaluation.champion is not None and evaluation.paired is not None
    decided = gate.decide(evaluation, params, _over_champion(own, standing, place, rule) if comparable else None)
    changes: dict[str, object] = {"shadows": tuple(shadow for shadow in (standing, own) if shadow is not None)}
    if standing is not None and standing.promote:
        changes["reason"] = f"the shadow is promoted, {standing.in_words()}; the night's own model: {decided.reason}"
    return decided.model_copy(update=changes)


def _standing(
    shadow: ShadowScores,
    place: ShadowPlace,
    evaluation: EvaluationRecord,
    params: DecideParams,
    snapshot: GraphSnapshot,
    rule: ShadowRule,
) -> ShadowVerdict:
    """Return what becomes of the model that has the place."""
    before, evidence = shadow.before, evidence_after(evaluation, shadow)
    counted = evidence.nights > before.evidence.nights
    until = max(before.counted_until, snapshot.as_of) if counted else before.counted_until
    overtaken = shadow.best_value is not None and place.best_value > shadow.best_value
    standing = rule.standing(evidence, nights=shadow.nights, overtaken=overtaken)
    rules: tuple[RuleVerdict, ...] = ()
    if standing == "better" and shadow.scores is not None:
        rules = (*gate.standards(as_challenger(evaluation, shadow), params), _verdict(evidence, rule))
    promote = standing == "better" and bool(rules) and all(one.passed for one in rules)
    if standing == "better" and not promote and shadow.nights >= rule.maximum_tenure:
        standing = "tenure_over"
    return ShadowVerdict(
        run_name=before.run_name,
        run_key=before.run_key,
        as_of=before.as_of,
        nights=shadow.nights,
        evidence=evidence,
        counted_until=until,
        level=rule.level,
        standing="unusable" if shadow.unusable else standing,
        promote=promote and not shadow.unusable,
        note=shadow.unusable or shadow.note,
        rules=rules,
    )


def _own(
    standing: ShadowVerdict | None,
    place: ShadowPlace,
    evaluation: EvaluationRecord,
    snapshot: GraphSnapshot,
    rule: ShadowRule,
) -> ShadowVerdict | None:
    """Return tonight's model as the shadow, where it takes the place; the night's own edges must not have chosen it."""
    begins = _begins(standing, place, evaluation, rule)
    if begins is None:
        return None
    evidence = first_evidence(evaluation) if begins == "free" else Evidence()
    return ShadowVerdict(
        run_name=snapshot.run_name,
        run_key=snapshot.run_key,
        as_of=snapshot.as_of,
        begins=begins,
        nights=1,
        evidence=evidence,
        counted_until=snapshot.as_of,
        level=rule.level,
        standing=rule.standing(evidence, nights=1, overtaken=False),
    )


def _begins(
    standing: ShadowVerdict | None, place: ShadowPlace, evaluation: EvaluationRecord, rule: ShadowRule
) -> Beginning | None:
    if evaluation.champion is None or evaluation.paired is None or not counts(evaluation):
        return None
    if standing is None or standing.standing == "unusable":
        promoted = standing is None and place.last_was_promoted
        free = rule.place_is_free(place.nights_since_the_last_began, last_was_promoted=promoted)
        return "free" if free else None
    if standing.standing in ("tenure_over", "overtaken"):
        return "free"
    # A shadow that is provably worse was found so by this night's edges: the place is given with the next night's.
    over = place.shadow.over_shadow if place.shadow is not None else None
    if standing.promote or standing.gone or over is None or over.difference.value <= 0:
        return None
    early = rule.may_take_early(over.p_value, early_in_the_last_year=place.early_in_the_last_year)
    return "early" if early else None


def _over_champion(
    own: ShadowVerdict | None, standing: ShadowVerdict | None, place: ShadowPlace, rule: ShadowRule
) -> RuleVerdict:
    """Return the rule on the champion for tonight's model: it counts where the place is its own from this night on."""
    if own is not None and own.begins == "free":
        return _verdict(own.evidence, rule, "it becomes the shadow with this night: ")
    if own is not None:
        said = "it takes the shadow's place early, and its evidence begins with the next night"
    elif standing is not None and not standing.gone:
        said = f"one night decides nothing; the shadow is {standing.in_words()}"
    elif standing is not None:
        said = "one night decides nothing; the shadow's place became free with it, and is given later"
    else:
        since = place.nights_since_the_last_began
        free = rule.place_is_free(since, last_was_promoted=place.last_was_promoted)
        left = rule.minimum_tenure - (since or 0)
        waits = "is free, but this night's edges do not count" if free else f"stays empty until {left} more have come"
        said = f"one night decides nothing; the shadow's place {waits}"
    return RuleVerdict(name=NAME, threshold=_threshold(rule), observed=said, passed=False)


def _verdict(evidence: Evidence, rule: ShadowRule, said: str = "") -> RuleVerdict:
    nights = f"{evidence.nights} night{'' if evidence.nights == 1 else 's'}"
    observed = f"{said}mrr {evidence.gain:+.4f} on {evidence.edges} edges of {nights}"
    return RuleVerdict(
        name=NAME,
        threshold=_threshold(rule),
        observed=f"{observed}, p {evidence.p_better:.2g}",
        passed=evidence.p_better <= rule.level,
    )


def _threshold(rule: ShadowRule) -> str:
    return f"p <= {rule.level:.2g} by the edges of all its nights as the shadow, each counted once"
