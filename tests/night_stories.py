"""Nights for the report's tests: one that left everything, with markup in every text that comes from outside."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipeline.checks.data_checks import DataChecks
from pipeline.graphs.change_report import ChangeReport, HubChange, Turnover
from pipeline.graphs.feature_drift import FeatureDrift
from pipeline.graphs.shape import DegreeCount, GraphShape
from pipeline.ledger.entries import Alias, AliasObserved, NightEntry
from pipeline.params.params import Params
from pipeline.records.chain import (
    EdgeSplit,
    EpochPoint,
    GraphSnapshot,
    PromotionDecision,
    RegisteredModel,
    TrainedModel,
    WarmStart,
)
from pipeline.records.evaluation import (
    EvaluationCost,
    EvaluationReport,
    GraphChange,
    Interval,
    ModelScores,
    PairedComparison,
    ReliabilityBin,
    SensitivityResult,
    SliceKind,
    SliceScores,
)
from pipeline.records.findings import CheckResult, LeakInvariant, RuleVerdict
from pipeline.report.night_story import NightStory
from pipeline.report.outside_moves import outside_moves
from pipeline.report.trend import TrendNight

AS_OF = datetime(2026, 3, 5, 3, tzinfo=UTC)
RUN = "demo-20260305T030000Z"
MARKUP = "<script>alert('x')</script>"
METRICS = ("mrr", "hits@1", "hits@3", "hits@10", "hits@20", "hits@50", "hits@100", "auc", "average_precision")


def around(value: float, width: float = 0.03) -> Interval:
    return Interval(value=value, low=value - width, high=value + width)


def scores(name: str, mrr: float, *, version: int | None = None, model: bool = False) -> ModelScores:
    metrics = {metric: around(min(0.99, mrr + 0.05 * place)) for place, metric in enumerate(METRICS)}
    bins: tuple[ReliabilityBin, ...] = ()
    if model:
        metrics |= {"brier": around(0.12, 0.01), "ece": around(0.04, 0.01)}
        bins = tuple(
            ReliabilityBin(
                low=k / 10,
                high=(k + 1) / 10,
                stated=k / 10 + 0.05,
                observed=min(1.0, (k / 10 + 0.05) ** (2 * mrr + 0.3)),
                observed_low=max(0.0, k / 10 - 0.03),
                observed_high=min(1.0, k / 10 + 0.1),
                weight=0.1,
            )
            for k in range(10)
        )
    return ModelScores(name=name, version=version, metrics=metrics, reliability=bins)


def snapshot() -> GraphSnapshot:
    return GraphSnapshot(
        graph="demo",
        run_name=RUN,
        as_of=AS_OF,
        content_id="cd" * 32,
        tag="snap/demo/20260305T030000Z/cdcdcdcdcdcd",
        dvc_md5="0" * 32,
        manifest_sha256="1" * 64,
        source_sha256="ab" * 32,
        previous_tag="snap/demo/20260304T030000Z/cececececece",
        previous_as_of=AS_OF - timedelta(days=1),
        num_nodes=3000,
        num_edges=14280,
        num_features=33,
        added_edges=120,
        removed_edges=40,
        returned_edges=3,
        checks=checks().checks,
        params_sha256=Params().sha256,
        code_version="2" * 64,
        git_commit="f" * 40,
        run_key="3" * 64,
    )


def checks(*reasons: str) -> DataChecks:
    return DataChecks(
        graph="demo",
        as_of=AS_OF,
        delivery=f"edges {MARKUP}",
        checks=(
            CheckResult(name="minimum_edges", level="refuse", threshold=">= 1", observed="14280", passed=True),
            CheckResult(name="feature_shift", level="warn", threshold="<= 0.5", observed="0.61 (x3)", passed=False),
            CheckResult(
                name="minimum_edge_ratio",
                level="refuse",
                threshold=">= 0.7",
                observed="0.35" if reasons else "1.01",
                passed=not reasons,
            ),
        ),
        reasons=reasons,
    )


def shape(nodes: int, edges: int) -> GraphShape:
    return GraphShape(
        nodes=nodes,
        edges=edges,
        orphans=3,
        density=0.003,
        mean_degree=9.5,
        maximum_degree=61,
        components=4,
        outside_largest=0.01,
    )


def change() -> ChangeReport:
    return ChangeReport(
        graph="demo",
        as_of=AS_OF,
        previous_as_of=AS_OF - timedelta(days=1),
        nodes=Turnover(before=2985, tonight=3000, added=15, returned=0, removed=0),
        edges=Turnover(before=14197, tonight=14280, added=120, returned=3, removed=40),
        late_edges=0,
        edge_ratio=1.006,
        edge_overlap=0.988,
        new_node_share=0.005,
        edges_to_new_nodes=0.4,
        degree_shift=0.012,
        two_colourable=0.0,
        reused_ids=0,
        first_reused=None,
        shape=shape(3000, 14280),
        shape_before=shape(2985, 14197),
        features=FeatureDrift(columns=33, shift=0.61, shifted="x3"),
        gaining=(HubChange(node=MARKUP, before=40, tonight=52),),
        degree_counts=tuple(
            DegreeCount(low=2**k // 2, high=2**k - 1, before=before, tonight=tonight)
            for k, (before, tonight) in enumerate(
                [(3, 3), (120, 150), (300, 310), (800, 790), (1400, 1380), (340, 345), (22, 22)]
            )
        ),
    )


def report(*, champion: bool = True) -> EvaluationReport:
    sliced: list[tuple[SliceKind, str, int, float]] = [
        ("degree", "1-2", 31, 0.22),
        ("degree", "3-7", 88, 0.41),
        ("degree", "8+", 126, 0.55),
        ("node_age", "cold", 44, 0.19),
        ("node_age", "known", 201, 0.52),
        ("component", "largest", 240, 0.46),
    ]
    disturbed: list[tuple[GraphChange, float, float]] = [
        ("remove", 0.05, 0.43),
        ("remove", 0.01, 0.46),
        ("add", 0.01, 0.455),
        ("add", 0.05, 0.41),
    ]
    return EvaluationReport(
        trained_model_sha256=trained().sha256,
        num_test_edges=245,
        num_seen_by_champion=12,
        num_negatives=12250,
        challenger=scores("challenger", 0.47, model=True),
        champion=scores("champion", 0.45, version=2, model=True) if champion else None,
        champion_note="",
        floor=(scores("common_neighbors", 0.3), scores("adamic_adar", 0.33), scores("preferential_attachment", 0.2)),
        paired_metric="mrr",
        paired=PairedComparison(
            metric="mrr",
            difference=Interval(value=0.02, low=0.004, high=0.037),
            p_value=0.012,
            resampled_by="node",
            by_edge=Interval(value=0.02, low=0.009, high=0.032),
            by_node=Interval(value=0.02, low=0.004, high=0.037),
            num_edges=245,
            num_nodes=311,
        )
        if champion
        else None,
        slices=tuple(
            SliceScores(
                kind=kind,
                name=name,
                num_edges=count,
                metric="mrr",
                challenger=around(mrr, 2 / count),
                champion=around(mrr - 0.02, 2 / count) if champion else None,
                difference=around(0.02, 1 / count) if champion else None,
            )
            for kind, name, count, mrr in sliced
        ),
        sensitivity=tuple(
            SensitivityResult(
                scorer=scorer,
                change=what,
                share=share,
                metric="mrr",
                value=around(mrr - lower),
                unchanged=0.47 - lower,
                rank_correlation=0.97,
            )
            for scorer, lower in (("challenger", 0.0), ("champion", 0.02), ("adamic_adar", 0.14))
            for what, share, mrr in disturbed
        ),
        cold_control=scores("cold_control", 0.46, model=True),
        certificate=(
            LeakInvariant(name="train_and_test_share_no_edge", checked=14280, violations=0),
            LeakInvariant(name="negatives_are_no_edges", checked=12250, violations=1),
        ),
        snapshot_checks=checks().checks,
        seconds=4.2,
        costs=(EvaluationCost(part="challenger", seconds=1.4, pairs=12495),),
    )


def split() -> EdgeSplit:
    return EdgeSplit(
        snapshot_sha256=snapshot().sha256,
        method="temporal",
        reason="",
        cut_train=None,
        cut_valid=None,
        num_train=11000,
        num_valid=1400,
        num_test=257,
        num_message_train=11000,
        num_message_test=12400,
        seed=0,
        files=(),
        tag="split/x",
        certificate=(),
    )


def trained() -> TrainedModel:
    history = tuple(
        EpochPoint(epoch=k, loss=0.7 / k**0.5, value=0.5 - 0.4 / k - 0.003 * max(0, k - 20), seconds=0.2)
        for k in range(1, 31)
    )
    return TrainedModel(
        split_sha256=split().sha256,
        mlflow_run_id="r",
        files=(),
        epochs=30,
        best_epoch=20,
        selection_metric="mrr",
        best_value=0.48,
        num_parameters=41236,
        seed=0,
        seconds=9.4,
        machine={"cpu": MARKUP, "threads": "1"},
        history=history,
    )


def decision(*, promote: bool = True) -> PromotionDecision:
    rules = (
        RuleVerdict(name="leak_certificate", threshold="no violation", observed="27 invariants hold", passed=True),
        RuleVerdict(name="enough_test_edges", threshold=">= 200 fresh test edges", observed="245", passed=True),
        RuleVerdict(
            name="superiority_over_champion",
            threshold="lower bound of the paired difference > 0",
            observed=f"mrr +0.0200 [+0.0040, +0.0370] {MARKUP}",
            passed=promote,
        ),
    )
    return PromotionDecision(
        report_sha256=report().sha256,
        promote=promote,
        cold_start=False,
        reason=f"superiority_over_champion: {MARKUP}",
        rules=rules,
        champion_version=2,
    )


def trend(count: int = 12) -> tuple[TrendNight, ...]:
    nights = []
    for back in range(count - 1, -1, -1):
        lost = back in (3, 8)
        mrr = 0.42 + 0.03 * ((back * 7) % 5) / 5
        nights.append(
            TrendNight(
                run_name=RUN if back == 0 else f"demo-{back}",
                as_of=AS_OF - timedelta(days=back),
                outcome="skipped" if lost else "promoted" if back in (0, 9) else "kept",
                version=3 if back == 0 else None,
                challenger=None if lost else around(mrr),
                champion=None if lost else around(mrr - 0.01),
                floor=None if lost else around(0.33),
                test_edges=None if lost else 240,
                drift={}
                if lost
                else {
                    "edge_ratio": 1.0 + mrr / 40,
                    "degree_shift": 0.01 + mrr / 50,
                    "new_node_share": 0.005,
                    "feature_shift": 0.1 + mrr,
                },
            )
        )
    return tuple(nights)


def full_story() -> NightStory:
    """A promoted night that left everything."""
    gate = decision()
    return NightStory(
        graph="demo",
        run_name=RUN,
        as_of=AS_OF,
        entry=NightEntry(
            graph="demo",
            run_name=RUN,
            as_of=AS_OF,
            at=AS_OF,
            outcome="promoted",
            reason=gate.reason,
            completed=True,
            version=3,
        ),
        checks=checks(),
        change=change(),
        snapshot=snapshot(),
        split=split(),
        trained=trained(),
        report=report(),
        decision=gate,
        registered=RegisteredModel(
            decision_sha256=gate.sha256,
            name="demo",
            version=3,
            model_id="m-1",
            previous_version=2,
            run_key="3" * 64,
            files=(),
        ),
        params=Params(),
        trend=trend(),
    )


def warm_story() -> NightStory:
    """A kept night whose training began with the champion's weights, and which met aliases moved past the ledger."""
    story = kept_story()
    start = WarmStart(
        version=2,
        as_of=AS_OF - timedelta(days=1),
        files=(),
        known_nodes=2985,
        new_nodes=15,
        valid_edges_seen=1371,
        valid_edges_trained_on=7,
    )
    warm = trained().model_copy(update={"warm_start": start})
    drifted = report().model_copy(update={"drift": Interval(value=0.011, low=-0.004, high=0.026)})
    moved = outside_moves((observed("champion", 1, 2), observed("previous", 2, None)), RUN)
    return replace(story, trained=warm, report=drifted, moved=moved)


def observed(alias: Alias, previous: int | None, version: int | None, *, who: str = f"run {RUN}") -> AliasObserved:
    """A move past the ledger as a run found it."""
    return AliasObserved(graph="demo", alias=alias, version=version, previous=previous, at=AS_OF, who=who)


def refused_story() -> NightStory:
    """A night whose delivery was refused: its checks are all there is, beside the nights before it."""
    reason = f"{MARKUP} minimum_edge_ratio: 5049 edges are 0.350 of the 14426, below 0.7: the delivery looks truncated."
    entry = NightEntry(
        graph="demo", run_name=RUN, as_of=AS_OF, at=AS_OF, outcome="refused", reason=reason, completed=False
    )
    return NightStory(graph="demo", run_name=RUN, as_of=AS_OF, entry=entry, checks=checks(reason), trend=trend())


def skipped_story() -> NightStory:
    """A night on which nothing had changed."""
    story = refused_story()
    assert story.entry is not None
    reason = "The graph is unchanged since night demo-20260304T030000Z, which ended kept."
    entry = story.entry.model_copy(update={"outcome": "skipped", "reason": reason})
    return replace(story, entry=entry, checks=checks())


def kept_story() -> NightStory:
    """A night whose challenger was no better."""
    story, gate = full_story(), decision(promote=False)
    assert story.entry is not None
    entry = story.entry.model_copy(update={"outcome": "kept", "version": None})
    return replace(story, entry=entry, decision=gate, registered=None)


def empty_story() -> NightStory:
    """A run that left nothing at all."""
    return NightStory(graph="demo", run_name="demo-local1", as_of=None)
