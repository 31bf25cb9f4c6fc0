from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
import yaml
from torch import Tensor

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.edge_history import EdgeHistory
from ncnc_core.link_model import LinkModel
from ncnc_core.random_spatial_network import NetworkDay
from pipeline.evaluation.comparison import Comparison, FreshPairs, compare
from pipeline.evaluation.shadow import Compared, Edges, Shadow, by_name, found_shadow, shadow_place
from pipeline.evaluation.trained_night import TrainedNight
from pipeline.ledger.entries import RegistryCollected, ShadowEvidence
from pipeline.ledger.shadows import Place
from pipeline.params.params import EvaluateParams
from pipeline.records.chain import EdgeSplit, GraphSnapshot, TrainedModel
from pipeline.records.evaluation import EvaluationRecord, ShadowScores
from pipeline.runs.data import snapshot_tables
from pipeline.runs.folder import RunFolder
from tests.fixtures.audited_night import AS_OF
from tests.fixtures.house import House
from tests.fixtures.kept_nights import KeptNights
from tests.fixtures.shadow_nights import as_of, shadow_entry, state

PLACE = Place(None, 0, None, False, 0)
NODES, NEGATIVES = 12, 4
# Test edges first seen on the nights 1, 2, 3 and 4, two each; the last edge is at a node without a message edge.
POSITIVES = torch.tensor([[0, 1, 2, 3, 4, 5, 6, 0], [1, 2, 3, 4, 5, 6, 7, 11]])
SEEN_ON = torch.tensor([1, 1, 2, 2, 3, 3, 4, 4])


def seconds(night: int) -> int:
    return int(as_of(night).timestamp())


def ranking(good: Tensor | None) -> Callable[[Tensor], Tensor]:
    """Return a scorer that ranks some positives first and the others last; None: all of them first."""

    def score(pairs: Tensor) -> Tensor:
        if pairs.shape[1] != POSITIVES.shape[1]:
            return torch.zeros(pairs.shape[1])
        return torch.ones(pairs.shape[1]) if good is None else good.float() * 2 - 1

    return score


def compared(
    *, shadow: Tensor | None = None, edges: Edges = "all", num_fresh: int = 8, champion: bool = True
) -> Compared:
    """Return a night on which the shadow ranks as told, and challenger, champion and floor rank every positive last."""
    first_seen = torch.tensor([seconds(int(night)) for night in SEEN_ON])
    negatives = torch.randint(0, NODES, (2, 8 * NEGATIVES), generator=torch.Generator().manual_seed(0))
    pairs = FreshPairs(POSITIVES, negatives, first_seen, num_fresh, 0, "")
    last = torch.zeros(8, dtype=torch.bool)
    names = {"challenger": last, "shadow": None, "adamic_adar": last} | ({"champion": last} if champion else {})
    params = EvaluateParams(bootstrap_samples=100)
    outcome: Comparison = compare(pairs, {name: ranking(good) for name, good in names.items()}, params)
    message = torch.tensor([[*range(10)], [*range(1, 11)]])
    alive = torch.full((8,), 2**62)
    night = SimpleNamespace(
        trained=SimpleNamespace(selection_metric="mrr", best_value=0.7),
        graph=Adjacency.from_edges(message, NODES),
        history=EdgeHistory.of(POSITIVES, first_seen, first_seen, alive, NODES),
        tables=SimpleNamespace(node_ids=torch.arange(0, 10 * NODES, 10).numpy()),
        slices_of=lambda part: (),
    )
    return Compared(cast(TrainedNight, night), pairs, outcome, params, ("adamic_adar",), edges)


@pytest.fixture
def model(make_model: Callable[..., Any]) -> LinkModel:
    return LinkModel.load(make_model(list(range(0, 10 * NODES, 10))))


def standing(model: LinkModel | None, *, trained: int = 1, counted: int = 2, **changes: Any) -> Shadow:
    """Return the model of one night, whose edges up to another are counted."""
    before = state(trained, counted, begins="free")
    own = SimpleNamespace(selection_metric="mrr", best_value=0.6)
    return replace(
        Shadow(before, 3, model, cast(TrainedModel, own), (torch.zeros(2, 0, dtype=torch.int64),)), **changes
    )


def measured(shadow: Shadow, night: Compared) -> ShadowScores:
    found = shadow_place(PLACE, shadow, night)
    assert found is not None
    assert found.shadow is not None
    return found.shadow


def test_where_no_evidence_is_gathered_nothing_is_told_and_without_a_shadow_only_the_place() -> None:
    assert shadow_place(None, None, compared()) is None
    found = shadow_place(replace(PLACE, nights_since_the_last_began=7), None, compared())
    assert found is not None
    assert (found.shadow, found.nights_since_the_last_began, found.best_value) == (None, 7, 0.7)


def test_the_shadow_is_measured_on_what_it_has_not_seen_and_only_what_was_not_counted_counts(model: LinkModel) -> None:
    found = measured(standing(model), compared())
    assert found.num_test_edges == 6  # first seen after its night, night 1
    assert found.paired is not None
    assert found.counted is not None
    assert (found.paired.num_edges, found.counted.num_edges) == (6, 4)  # those of night 2 were counted
    assert found.counted.difference.value > 0
    assert found.over_shadow is not None
    assert found.over_shadow.difference.value == -found.counted.difference.value  # both others rank alike
    assert list(found.over_floor) == ["adamic_adar"]
    assert [one.name for one in found.floor] == ["adamic_adar"]
    assert found.scores is not None
    assert found.scores.metrics["mrr"].value == 1.0
    assert all(item.passed for item in found.certificate)
    assert found.best_value == 0.6


def test_a_night_whose_edges_were_all_counted_adds_nothing_and_is_measured_all_the_same(model: LinkModel) -> None:
    found = measured(standing(model, counted=4), compared())
    assert (found.counted, found.over_shadow) == (None, None)
    assert found.num_test_edges == 6


@pytest.mark.parametrize("num_fresh", [8, 0])
def test_edges_that_it_or_the_champion_has_seen_say_nothing(model: LinkModel, num_fresh: int) -> None:
    found = measured(
        standing(model, trained=4, counted=4) if num_fresh else standing(model), compared(num_fresh=num_fresh)
    )
    assert (found.scores, found.counted) == (None, None)
    assert found.note == "it has seen all the test edges that the champion has not"


def test_evidence_is_of_the_warm_edges_where_they_are_asked_for(model: LinkModel) -> None:
    found = measured(standing(model), compared(edges="warm"))
    assert (found.num_test_edges, found.counted and found.counted.num_edges) == (5, 3)


def test_an_edge_that_the_shadow_has_seen_whatever_the_dates_say_breaks_its_certificate(model: LinkModel) -> None:
    found = measured(standing(model, seen=(POSITIVES[:, 4:5],)), compared())
    broken = {item.name: item.violations for item in found.certificate if not item.passed}
    assert broken == {"fresh_edges_not_seen_by_shadow": 1}


def test_values_of_two_selection_metrics_are_not_compared(model: LinkModel) -> None:
    other = cast(TrainedModel, SimpleNamespace(selection_metric="auc", best_value=0.9))
    assert measured(standing(model, trained=1), compared()).best_value == 0.6
    assert measured(replace(standing(model), trained=other), compared()).best_value is None


def test_a_shadow_that_cannot_be_scored_says_why_and_is_among_no_scorers(model: LinkModel) -> None:
    gone = standing(None, unusable="its bytes are gone")
    assert measured(gone, compared()).unusable == "its bytes are gone"
    assert (by_name(gone), by_name(None), by_name(standing(model))) == ({}, {}, {"shadow": model})
    alone = measured(standing(model), compared(champion=False))
    assert (alone.note, alone.scores) == ("there is no champion that it can be compared with", None)


def test_the_shadow_is_found_by_its_run_and_what_does_not_fit_tonight_ends_it(nights: KeptNights) -> None:
    doors, second = nights.doors, nights.decided(2, promote=False)
    third = nights.decided(3, promote=False)
    entry = shadow_entry(2, 2, begins="free")
    own = entry.shadow.model_copy(update={"run_name": second.name, "as_of": nights.as_of(2)})
    place = replace(PLACE, shadow=entry.model_copy(update={"shadow": own}), nights=2)
    tonight = SimpleNamespace(
        snapshot=third.get(GraphSnapshot),
        trained=third.get(TrainedModel),
        split=third.get(EdgeSplit),
        tables=snapshot_tables(third, doors),
    )
    night = cast(TrainedNight, tonight)
    found = found_shadow(place, night, doors)
    assert found is not None
    assert (found.nights, found.unusable, found.note) == (2, "", "")
    assert found.model is not None
    assert len(found.seen) == 4  # the graph it carries, and three sides of its split

    earlier = cast(TrainedNight, SimpleNamespace(snapshot=second.get(GraphSnapshot)))
    cleared = found_shadow(place, earlier, doors)
    assert cleared is not None
    assert cleared.note == "it was trained after this night, and has seen all of its edges"
    ids = tonight.tables.node_ids.copy()
    ids[0] = 99
    tonight.tables = SimpleNamespace(node_ids=ids, features=None)
    moved = found_shadow(place, night, doors)
    assert moved is not None
    assert moved.unusable.startswith("the shadow's node ids are not the first of tonight's")
    shutil.rmtree(second.path / "model")
    doors.ledger.append(taken(nights.graph, second.name))
    gone = found_shadow(place, night, doors)
    assert gone is not None
    assert "was collected by ann" in gone.unusable
    assert found_shadow(None, night, doors) is None
    assert found_shadow(PLACE, night, doors) is None


def taken(graph: str, model: str) -> RegistryCollected:
    return RegistryCollected(
        graph=graph, versions=(), checkpoints=(), run_folders=(), models=(model,), policy="x", at=AS_OF, who="ann",
        reason="by hand",
    )  # fmt: skip


@pytest.mark.slow
def test_nights_of_a_growing_graph_follow_a_shadow_through_every_step(house: House, days: list[NetworkDay]) -> None:
    values = yaml.safe_load(house.params_file.read_text())
    values["decide"] |= {"evidence": "accumulated", "floor": ["common_neighbors"]}
    values["evaluate"]["sensitivity_shares"] = []
    house.params_file.write_text(yaml.safe_dump(values))
    for night, day in enumerate(days[:3], start=1):
        house.deliver(night, day)
        assert house.night(night)[:5] == [0] * 5
    assert [entry.outcome for entry in house.entries()] == ["promoted", "kept", "kept"]
    first, second, third = (RunFolder(house.run_dir(night)).get(EvaluationRecord) for night in (1, 2, 3))
    assert first.shadow_place is not None
    assert first.shadow_place.shadow is None
    assert second.shadow_place is not None
    assert second.shadow_place.shadow is None
    assert third.shadow_place is not None
    shadow = third.shadow_place.shadow
    assert shadow is not None
    assert (shadow.unusable, shadow.note, shadow.nights) == ("", "", 2)
    assert shadow.counted is not None
    assert 0 < shadow.counted.num_edges <= third.num_test_edges
    assert all(item.passed for item in shadow.certificate)
    told = [entry for entry in house.doors.ledger.entries("small") if isinstance(entry, ShadowEvidence)]
    assert [entry.shadow.evidence.edges for entry in told] == [
        second.num_test_edges,
        second.num_test_edges + shadow.counted.num_edges,
    ]
    code, line = house.call("status", "--graph", "small", "--params", str(house.params_file))
    assert (code, line["shadow"]) == (0, house.run_dir(2).name)
    assert house.call("report", "--run-dir", str(house.run_dir(3)))[0] == 0
    assert "one night decides nothing" in (house.run_dir(3) / "report.html").read_text()
