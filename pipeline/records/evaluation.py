"""The evaluation record and its parts: figures with their intervals, and what they were measured on."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from ncnc_core.config.choices import GraphChange
from pipeline.records.findings import CheckResult, LeakInvariant
from pipeline.records.part import Part, Sha256
from pipeline.records.record import Record
from pipeline.records.scores import Interval, ModelScores, PairedComparison, SliceScores
from pipeline.records.shadow import ShadowState


class EdgesApart(Part):
    """Some of the test edges, measured as the whole is: every scorer, and the paired differences."""

    num_edges: int = Field(ge=1)
    challenger: ModelScores
    champion: ModelScores | None = None
    floor: tuple[ModelScores, ...]
    paired: PairedComparison | None = None
    over_floor: dict[str, PairedComparison]

    @property
    def scores(self) -> dict[str, ModelScores]:
        """Every scorer's metrics by its name: the challenger, the champion where there is one, the floor."""
        models = (self.challenger, *([self.champion] if self.champion else []), *self.floor)
        return {item.name: item for item in models}


class WarmAndCold(Part):
    """The test edges apart: warm, with a message edge at both ends, and cold, with none at an end.

    `warm` or `cold` is None where there is no such edge.
    `negatives_without_edge` is the share of the test negatives that touch a node without a message edge.
    `cold_attainable_mrr` is what a scorer that gives pairs which nothing tells apart one score reaches at most on the
    cold edges; None where there are none, or where features tell nodes apart.
    """

    negatives_without_edge: float = Field(ge=0, le=1)
    warm: EdgesApart | None
    cold: EdgesApart | None
    cold_attainable_mrr: float | None = None


class SensitivityResult(Part):
    """One scorer after a share of the message edges was removed or added at random."""

    scorer: str
    change: GraphChange
    share: float
    metric: str
    value: Interval
    unchanged: float
    rank_correlation: float  # Spearman's, of the pairs' scores before and after


class FeatureImportance(Part):
    """How far the challenger's metric falls when a group of pair features is shuffled among the test pairs."""

    group: str
    metric: str
    fall: Interval
    num_edges: int = Field(ge=1)


class AgedScores(Part):
    """What something reaches on tonight's edges that is `nights` nights older than tonight's; 0 is tonight's own.

    `loss` is tonight's value minus this one, paired by edge: what its age costs; None at 0. `run_name` and `as_of` are
    of the night it comes from. `unknown_edges` have an end that the older graph lacks; a model is asked on tonight's.
    """

    nights: int = Field(ge=0)
    run_name: str
    as_of: AwareDatetime
    value: Interval
    loss: Interval | None = None
    unknown_edges: int = Field(default=0, ge=0)


class Staleness(Part):
    """What age costs: earlier nights' models on tonight's graph, and the champion's weights on earlier nights' graphs.

    All are measured on the same `num_edges` test edges, which none of them has seen. `absent` says of each that was not
    measured why not, under `model 7` or `graph 7`. A curve of which nothing was measured is empty.
    """

    metric: str
    num_edges: int = Field(ge=0)
    models: tuple[AgedScores, ...] = ()
    graphs: tuple[AgedScores, ...] = ()
    absent: dict[str, str] = Field(default_factory=dict)


class EvaluationCost(Part):
    """What one part of the evaluation took; `cpu_seconds` are those of all threads, None in older records."""

    part: str
    seconds: float
    pairs: int
    cpu_seconds: float | None = None


class ShadowScores(Part):
    """The shadow on the test edges that neither it nor the champion has seen, measured as the challenger is.

    `counted` is shadow minus champion on those of them that count, `over_shadow` tonight's challenger minus the shadow
    there; None where there are none. `note` says why it was not scored, and `unusable` why it never will be.
    """

    before: ShadowState  # as the night found it
    nights: int = Field(ge=1)  # of its tenure, tonight included
    best_value: float | None = None  # on its own night's validation, as `ShadowPlace` has the challenger's
    unusable: str = ""
    note: str = ""
    num_test_edges: int = 0
    scores: ModelScores | None = None
    paired: PairedComparison | None = None
    over_floor: dict[str, PairedComparison] = Field(default_factory=dict)
    floor: tuple[ModelScores, ...] = ()
    slices: tuple[SliceScores, ...] = ()
    counted: PairedComparison | None = None
    over_shadow: PairedComparison | None = None
    certificate: tuple[LeakInvariant, ...] = ()


class ShadowPlace(Part):
    """The shadow's place as a night found it; the ledger's numbers say who may take it. Edges: as `decide.edges`."""

    nights_since_the_last_began: int | None
    last_was_promoted: bool
    early_in_the_last_year: int
    edges: Literal["all", "warm"]
    selection_metric: str
    best_value: float  # tonight's challenger's, on validation
    shadow: ShadowScores | None = None


class AnchorScores(Part):
    """The anchor of `mode: non_inferiority`, and challenger minus anchor on the edges that the gate reads.

    `version` is the champion's own number where the champion is the anchor. `paired` is None, and `note` says why,
    where it could not be scored, or where the gate has no edge to read.
    """

    version: int
    scores: ModelScores | None = None
    paired: PairedComparison | None = None
    note: str = ""

    @property
    def surpassed(self) -> bool:
        """Whether the challenger was shown to be better: from its promotion on, it is the anchor itself."""
        return self.paired is not None and self.paired.difference.low > 0


class EvaluationRecord(Record):
    """Challenger, champion and floor on the same pairs, negatives and message graph.

    `over_floor` is challenger minus each member of the floor, by its name. It and `warm_and_cold` are None in records
    of before they were measured. `floor_absent` says of each member that was not computed why not, by its name.
    `staleness` is None where it is switched off, too, and `anchor` where the gate asks for none.
    """

    # 3: over_floor; 4: warm_and_cold, floor_absent, feature_importance, best_of_floor; 5: staleness, shadow_place;
    # 6: anchor
    FORMAT = 6
    file_name = "evaluation_report.json"

    trained_model_sha256: Sha256
    num_test_edges: int
    num_seen_by_champion: int
    num_negatives: int
    challenger: ModelScores
    champion: ModelScores | None
    champion_note: str
    floor: tuple[ModelScores, ...]
    paired_metric: str
    paired: PairedComparison | None
    over_floor: dict[str, PairedComparison] | None = None
    floor_absent: dict[str, str] = Field(default_factory=dict)
    slices: tuple[SliceScores, ...] = ()
    warm_and_cold: WarmAndCold | None = None
    sensitivity: tuple[SensitivityResult, ...] = ()
    cold_control: ModelScores | None = None  # the same recipe from random weights, where the challenger began warm
    drift: Interval | None = None  # challenger minus control, paired: what beginning warm has come to
    feature_importance: tuple[FeatureImportance, ...] = ()  # of a challenger that reads pair features
    staleness: Staleness | None = None
    certificate: tuple[LeakInvariant, ...]
    snapshot_checks: tuple[CheckResult, ...]
    seconds: float
    costs: tuple[EvaluationCost, ...] = ()
    shadow_place: ShadowPlace | None = None  # None: each night's model is judged by its own night alone
    anchor: AnchorScores | None = None

    @property
    def scorers(self) -> tuple[ModelScores, ...]:
        """Every scorer's metrics: the models first, then the floor."""
        anchor = self.anchor.scores if self.anchor is not None else None
        models = (self.challenger, self.champion, anchor, self.cold_control)
        return (*(item for item in models if item is not None), *self.floor)

    @property
    def paired_difference(self) -> Interval | None:
        """Challenger minus champion as the gate reads it; None where there is no champion to compare with."""
        return self.paired.difference if self.paired else None

    @property
    def best_of_floor(self) -> ModelScores | None:
        """The member of the floor that reaches most; None where none was measured."""
        measured = [scores for scores in self.floor if self.paired_metric in scores.metrics]
        return max(measured, key=lambda scores: scores.metrics[self.paired_metric].value, default=None)

    def on_warm_edges(self) -> EvaluationRecord:
        """Return the evaluation as if the warm edges were all of its test edges; without any, with no test edge."""
        warm = self.warm_and_cold.warm if self.warm_and_cold else None
        if warm is None:
            return self.model_copy(update={"num_test_edges": 0})
        measured = {name: getattr(warm, name) for name in ("challenger", "floor", "paired", "over_floor")}
        return self.model_copy(update={"num_test_edges": min(warm.num_edges, self.num_test_edges), **measured})
