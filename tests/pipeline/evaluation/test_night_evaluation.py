from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml

from ncnc_core.link_model import LinkModel
from ncnc_core.random_spatial_network import NetworkDay
from ncnc_core.temporal.pair_features import feature_groups
from pipeline.evaluation.feature_importance import MOST_EDGES
from pipeline.evaluation.night_evaluation import TrainedNight, evaluate_night
from pipeline.ledger.night import ended_night
from pipeline.params.decide import SLICES
from pipeline.params.params import Params
from pipeline.records.chain import EdgeSplit, GraphSnapshot, PromotionDecision, TrainedModel
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.floor import FLOOR_NAMES
from pipeline.runs.folder import RunFolder
from tests.fixtures.house import House, params


def test_an_evaluation_says_how_good_where_how_sure_how_steady_and_at_what_cost(
    house: House, days: list[NetworkDay]
) -> None:
    house.deliver(1, days[0])
    assert [house.step(name, 1) for name in ("snapshot", "split", "train", "evaluate")] == [0] * 4
    folder = RunFolder(house.run_dir(1))
    evaluation, challenger = folder.get(EvaluationRecord), folder.get(EvaluationRecord).challenger

    assert {"hits@1", "hits@3", "hits@10", "hits@20", "shared_hits@50", "shared_hits@100"} <= challenger.metrics.keys()
    assert {"mrr", "auc", "average_precision", "brier", "ece"} <= challenger.metrics.keys()
    assert sum(part.weight for part in challenger.reliability) == pytest.approx(1)
    assert challenger.metrics["brier"].value < 0.25  # what a constant half has
    assert all("ece" not in scores.metrics and not scores.reliability for scores in evaluation.floor)
    assert LinkModel.load(house.run_dir(1) / "model").calibration is not None
    assert evaluation.feature_importance == ()  # it reads no pair features

    assert evaluation.over_floor is not None
    own = challenger.metrics["mrr"].value
    assert {name: own - over.difference.value for name, over in evaluation.over_floor.items()} == pytest.approx(
        {scores.name: scores.metrics["mrr"].value for scores in evaluation.floor}
    )

    for kind in ("degree", "node_age", "component"):
        assert sum(part.num_edges for part in evaluation.slices if part.kind == kind) == evaluation.num_test_edges
    apart = evaluation.warm_and_cold
    assert apart is not None
    assert apart.warm is not None
    [cold] = [part.num_edges for part in evaluation.slices if part.key == "node_age/cold"]
    assert apart.warm.num_edges == evaluation.num_test_edges - cold
    assert apart.cold_attainable_mrr is None  # its nodes have features
    best = max(evaluation.floor, key=lambda scores: scores.metrics["mrr"].value).name
    shaken = [(one.scorer, one.change, one.share) for one in evaluation.sensitivity]
    assert shaken == [
        (who, how, share) for how in ("remove", "add") for share in (0.01, 0.05) for who in ("challenger", best)
    ]
    assert all(0 < one.rank_correlation <= 1 for one in evaluation.sensitivity)
    costs = {cost.part: cost for cost in evaluation.costs}
    assert {"scoring challenger", f"scoring {best}", "intervals", "slices", "sensitivity"} <= costs.keys()
    assert costs["scoring challenger"].pairs == evaluation.num_test_edges * 21
    assert sum(cost.seconds for cost in evaluation.costs) <= evaluation.seconds

    # The same night evaluated again has the same figures; only its seconds differ.
    again = evaluate_night(TrainedNight.read(folder, house.doors), Params.load(house.params_file), house.doors)
    assert again.model_dump(exclude={"seconds", "costs"}) == evaluation.model_dump(exclude={"seconds", "costs"})


def test_a_night_with_times_is_held_against_the_whole_floor_and_one_without_says_what_is_missing(
    house: House, days: list[NetworkDay]
) -> None:
    for night in (1, 2, 3):  # from the third night on there is a cut before validation and one before the test
        house.deliver(night, days[night - 1])
        judged = {1: ("evaluate",), 2: (), 3: ("evaluate", "decide")}[night]
        assert [house.step(name, night) for name in ("snapshot", "split", "train", *judged)][:4] == [0] * (
            3 + len(judged[:1])
        )
    first, third = (RunFolder(house.run_dir(night)) for night in (1, 3))
    without, found = (folder.get(EvaluationRecord) for folder in (first, third))
    assert (tuple(scores.name for scores in found.floor), found.floor_absent) == (FLOOR_NAMES, {})
    assert found.over_floor is not None
    assert tuple(found.over_floor) == FLOOR_NAMES
    assert tuple(scores.name for scores in without.floor) == FLOOR_NAMES[:4]
    assert tuple(without.floor_absent) == FLOOR_NAMES[4:]

    costs = {cost.part: cost for cost in found.costs}
    assert costs["fitting boosted_trees"].cpu_seconds
    assert {f"scoring {name}" for name in FLOOR_NAMES} <= costs.keys()
    given = next(item for item in found.certificate if item.name == "models_scored_on_the_same_input")
    assert given.passed
    best = max(found.floor, key=lambda scores: scores.metrics["mrr"].value).name
    assert {one.scorer for one in found.sensitivity} == {"challenger", best}
    rules = {rule.name: rule for rule in third.get(PromotionDecision).rules}
    assert f"over each of {', '.join(FLOOR_NAMES)}" in rules["beats_floor"].threshold

    assert found.staleness is not None
    assert (found.staleness.models, found.staleness.num_edges) == ((), 0)  # the ledger knows of no night before
    for night in (1, 2):
        snapshot = RunFolder(house.run_dir(night)).get(GraphSnapshot)
        house.doors.ledger.append(ended_night(snapshot, "kept", "no better", at=snapshot.as_of))
    again = evaluate_night(TrainedNight.read(third, house.doors), Params.load(house.params_file), house.doors)
    assert (again.floor, again.sensitivity) == (found.floor, found.sensitivity)
    assert again.staleness is not None
    assert [(one.nights, one.as_of) for one in again.staleness.models] == [(0, house.as_of(3)), (1, house.as_of(2))]
    assert again.staleness.num_edges <= again.num_test_edges
    assert again.staleness.absent["model 7"] == "only 2 nights with a model before tonight"
    assert again.staleness.absent["graph 1"] == "there is no champion yet"
    assert "staleness" in {cost.part for cost in again.costs}


def test_a_temporal_challenger_is_told_by_the_activity_of_the_ends_and_what_it_rests_on(
    house: House, days: list[NetworkDay]
) -> None:
    house.read_times({"recipe": "auto", "training": {"epochs": 1, "windows": 1}}, directed=True)
    house.deliver(1, days[0], dated=True)
    assert [house.step(name, 1) for name in ("snapshot", "split", "train", "evaluate")] == [0] * 4
    found = RunFolder(house.run_dir(1)).get(EvaluationRecord)
    assert tuple(one.group for one in found.feature_importance) == tuple(feature_groups(directed=True))
    assert {one.num_edges for one in found.feature_importance} == {min(found.num_test_edges, MOST_EDGES)}
    activity = [part for part in found.slices if part.kind == "activity"]
    assert tuple(part.name for part in activity) == SLICES["activity"]
    assert sum(part.num_edges for part in activity) == found.num_test_edges
    best = max(scores.metrics["mrr"].value for scores in found.floor)
    held = [(part.num_edges, part.best_of_floor.value) for part in activity if part.best_of_floor is not None]
    assert sum(count * value for count, value in held) / found.num_test_edges == pytest.approx(best)
    assert {"feature importance"} <= {cost.part for cost in found.costs}


@pytest.mark.slow  # two trainings
def test_a_night_that_brings_no_new_edge_ends_although_its_champion_reads_times(house: House) -> None:
    house.values.pop("NCNC_SOURCE_NODES")
    house.params_file.write_text(
        yaml.safe_dump(
            params("small")
            | {
                "snapshot": {"graph": "small", "time_column": "time", "duplicates": "merge"},
                "train": {"recipe": "auto", "training": {"epochs": 8}},
                "decide": {"minimum_test_edges": 1, "floor": ["preferential_attachment"]},
            }
        )
    )
    generator = np.random.default_rng(0)
    ends = generator.integers(0, 120, (2, 6000))
    ends = ends[:, (ends[0] % 6 == ends[1] % 6) & (ends[0] != ends[1])]  # six groups
    table = pd.DataFrame({"source": ends[0], "target": ends[1]})
    table["time"] = int(house.as_of(1).timestamp()) - np.arange(len(table))[::-1] * 3600
    for night, rows in ((1, table), (2, table.drop(index=table.index[:5]))):
        rows.to_parquet(house.folder / "source" / f"edges-{house.as_of(night):%Y-%m-%d}.parquet", index=False)
    assert house.night(1) == [0] * 6
    assert house.night(2) == [0, 0, 0, 0, 0, 99]
    second = RunFolder(house.run_dir(2))
    assert (second.get(EdgeSplit).method, second.get(TrainedModel).predictor) == ("hashed", "ncnc")
    assert "the champion reads when edges came" in second.get(EvaluationRecord).champion_note
    assert not second.get(PromotionDecision).promote
