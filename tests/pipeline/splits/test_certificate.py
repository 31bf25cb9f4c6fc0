"""A leak of each kind is planted into a sound night, and the certificate names it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from ncnc_core.evaluation.heuristics import resource_allocation
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.splits.leak_invariants import Invariant
from pipeline.evaluation.certificate import positions_keep_their_ids, unseen_by_champion
from pipeline.evaluation.comparison import FreshPairs, fresh_pairs
from pipeline.evaluation.scored_input import GraphScorer, same_input, scored_input
from pipeline.graphs.tables import STILL_ALIVE, FeatureHistory, GraphTables
from pipeline.params.decide import DecideParams
from pipeline.params.params import SplitParams
from pipeline.promotion.gate import decide
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.findings import CheckResult, LeakInvariant
from pipeline.records.scores import Interval, ModelScores
from pipeline.splits.arrays import SplitArrays
from pipeline.splits.certificate import as_records, edge_history, split_certificate, training_certificate
from pipeline.splits.division import divide
from pipeline.splits.known_features import features_as_known, features_for
from pipeline.training.night_training import training_data
from tests.fixtures.split_records import split_record

ROOT = Path(__file__).parents[3]
DAYS, NODES = 30, 80
CHAMPION_DAY = 28
PARAMS = SplitParams(
    minimum_test_edges=10, negatives_per_edge=6, negative_kinds=("uniform", "degree_matched", "historical")
)


def grown_tables() -> GraphTables:
    """Edges of the days 1 to 30, some removed, some back again; each node has two values, the second of day 25."""
    g = np.random.default_rng(0)
    pairs = np.stack(np.triu_indices(NODES, 1))
    edges = pairs[:, np.sort(g.permutation(pairs.shape[1])[:900])][:, g.permutation(900)]
    first_seen = np.arange(900, dtype=np.int64) // 30 + 1
    removed_at = np.where(g.random(900) < 0.1, np.minimum(first_seen + 5, DAYS), STILL_ALIVE)
    alive_since = np.where((g.random(900) < 0.1) & (first_seen < 10) & (removed_at == STILL_ALIVE), 12, first_seen)
    nodes = np.arange(NODES, dtype=np.int64)
    values = (nodes[:, None] + 1).astype(np.float32)
    history = FeatureHistory.empty(("height",)).with_changes(nodes, np.ones_like(nodes), values)
    history = history.with_changes(nodes, np.full_like(nodes, 29), values * 10)
    return GraphTables(
        nodes + 1000, history.newest(NODES), edges, first_seen, removed_at.astype(np.int64), alive_since, history
    )


class Night:
    """All that a certificate is counted on; a plant breaks a part of it."""

    def __init__(self, method: str = "temporal") -> None:
        self.tables = grown_tables()
        self.split, self.arrays = divide(
            self.tables,
            edge_history(self.tables),
            DAYS,
            [20, CHAMPION_DAY],
            PARAMS.model_copy(update={"method": method}),
        )
        self.record = split_record(self.split.cut_train, self.split.cut_valid)
        self.training_features = features_for(self.tables, self.record, "training")
        self.testing_features = features_for(self.tables, self.record, "testing")
        self.avoided = self.arrays.known_train
        self.handed: dict[str, Tensor] = {}  # what training gets in the place of what the split says
        self.model_ids = [self.tables.node_ids.tolist(), self.tables.node_ids[: NODES - 5].tolist()]
        self.champion_as_of = datetime.fromtimestamp(CHAMPION_DAY if method == "temporal" else 15, UTC)
        self.champion_seen: tuple[Tensor, ...] = (self.edges_of(self.tables.first_seen <= 15),)
        graph = self.arrays.testing_graph(NODES)
        self.scorers = {
            name: GraphScorer(lambda pairs, graph, _: resource_allocation(graph, pairs), graph, self.testing_features)
            for name in ("challenger", "champion")
        }

    @property
    def pairs(self) -> FreshPairs:
        return fresh_pairs(self.arrays, self.champion_as_of)

    def edges_of(self, mask: np.ndarray) -> Tensor:
        return torch.from_numpy(self.tables.edges[:, mask])

    def certificate(self, folder: Path) -> dict[str, Invariant]:
        """Count everything on the arrays as they come back from their file."""
        as_of = datetime.fromtimestamp(DAYS, UTC)
        self.arrays.save(folder)
        arrays, pairs, history = SplitArrays.load(folder), self.pairs, edge_history(self.tables)
        handed = replace(arrays, **{"known_train": self.avoided, **self.handed})
        data = training_data(self.tables, handed, self.training_features)
        found = (
            *split_certificate(
                arrays,
                history,
                as_of=as_of,
                cut_train=self.record.cut_train,
                cut_valid=self.record.cut_valid,
                kinds=PARAMS.negative_kinds,
            ),
            *training_certificate(data, arrays, history),
            *features_as_known("training", data.features, self.tables, self.record, as_of),
            *features_as_known("testing", self.testing_features, self.tables, self.record, as_of),
            positions_keep_their_ids(self.model_ids, self.tables),
            unseen_by_champion(pairs, history, self.champion_as_of, self.champion_seen),
            same_input(
                {name: scored_input(scorer, pairs.positives, pairs.negatives) for name, scorer in self.scorers.items()},
                "challenger",
            ),
        )
        return {item.name: item for item in found}

    def put(self, side: str, pairs: Tensor, *, turned: bool = False, place: int = 0) -> None:
        """Write the first of some pairs over one of a side."""
        changed = getattr(self.arrays, side).clone()
        changed[:, place] = pairs[:, 0].flip(0) if turned else pairs[:, 0]
        self.arrays = replace(self.arrays, **{side: changed})


def report_with(certificate: tuple[LeakInvariant, ...]) -> EvaluationRecord:
    """Return an evaluation that nothing but its certificate can keep from promotion."""
    good, poor = (
        ModelScores(name="any", metrics={"mrr": Interval(value=value, low=value - 0.1, high=value + 0.1)})
        for value in (0.8, 0.3)
    )
    floor = tuple(poor.model_copy(update={"name": name}) for name in DecideParams().floor)
    return EvaluationRecord(
        trained_model_sha256="a" * 64, num_test_edges=500, num_seen_by_champion=0, num_negatives=1000, challenger=good,
        champion=None, champion_note="", floor=floor, paired_metric="mrr", paired=None,
        certificate=certificate, seconds=1.0,
        snapshot_checks=(CheckResult(name="rows", level="refuse", threshold=">= 1", observed="9", passed=True),),
    )  # fmt: skip


def edge_reversed_within_test(night: Night) -> None:
    night.put("test", night.arrays.test[:, 1:], turned=True)


def edge_of_test_in_message_edges(night: Night) -> None:
    night.put("message_test", night.arrays.test)


def negative_that_was_once_an_edge(night: Night) -> None:
    night.put("test_negatives", night.edges_of(night.tables.removed_at != STILL_ALIVE), turned=True)


def ended_edge_in_the_place_of_a_degree_matched_negative(night: Night) -> None:
    night.put("test_negatives", night.edges_of(night.tables.removed_at <= 10), place=3)


def historical_negative_that_is_an_edge_again(night: Night) -> None:
    back = (night.tables.alive_since != night.tables.first_seen) & (night.tables.removed_at == STILL_ALIVE)
    night.put("test_negatives", night.edges_of(back), place=4)


def historical_negative_of_validation_that_ended_after_its_cut(night: Night) -> None:
    assert night.split.cut_train is not None
    night.put("valid_negatives", night.edges_of(night.tables.removed_at == DAYS), place=5)


def validation_negative_at_a_node_of_the_test_window(night: Night) -> None:
    node = int(night.arrays.valid_negatives[0, 0])
    came = np.where((night.tables.edges == node).any(0), DAYS, night.tables.first_seen)
    night.tables = replace(night.tables, first_seen=came)


def negative_that_joins_a_node_with_itself(night: Night) -> None:
    night.put("valid_negatives", torch.tensor([[7], [7]]))


def split_lets_training_avoid_a_test_edge(night: Night) -> None:
    night.put("known_train", night.arrays.test)


def training_avoids_test_edges(night: Night) -> None:
    night.avoided = torch.cat([night.avoided, night.arrays.test], 1)  # whatever the split says


def training_is_handed_a_test_edge(night: Night) -> None:
    night.handed["train"] = torch.cat([night.arrays.train, night.arrays.test[:, :1].flip(0)], 1)


def epoch_is_chosen_on_a_test_edge(night: Night) -> None:
    night.handed["valid"] = torch.cat([night.arrays.valid, night.arrays.test[:, :1].flip(0)], 1)


def edge_of_test_in_training_messages(night: Night) -> None:
    night.put("message_train", night.arrays.test)


def edge_of_validation_in_training_messages(night: Night) -> None:
    night.put("message_train", night.arrays.valid, turned=True)


def edge_of_the_test_window_as_training_message(night: Night) -> None:
    night.put("message_train", night.edges_of(night.tables.first_seen == DAYS))


def edge_removed_before_its_cut_as_validation_pair(night: Night) -> None:
    night.put("valid", night.edges_of(night.tables.removed_at <= CHAMPION_DAY))


def pair_of_test_as_negative_of_validation(night: Night) -> None:
    night.put("valid_negatives", night.arrays.test)


def negative_that_is_its_own_positive(night: Night) -> None:
    night.put("test_negatives", night.arrays.test, turned=True)


def edge_of_the_test_window_avoided_in_training(night: Night) -> None:
    assert night.split.cut_train is not None
    gone = (night.tables.first_seen > night.split.cut_train) & (night.tables.removed_at != STILL_ALIVE)
    night.put("known_train", night.edges_of(gone))


def features_of_today_in_training(night: Night) -> None:
    night.training_features = features_for(night.tables, night.record, "serving")


def features_of_today_in_testing(night: Night) -> None:
    night.testing_features = features_for(night.tables, night.record, "serving")


class TodaysFeatures(GraphTables):
    """Tables that answer for every time with what is known today."""

    def features_at(self, time: int) -> NDArray[np.float32] | None:
        return self.features


def tables_that_answer_with_features_of_today(night: Night) -> None:
    night.tables = TodaysFeatures(**vars(night.tables))
    night.training_features = features_for(night.tables, night.record, "training")
    night.testing_features = features_for(night.tables, night.record, "testing")


def champion_trained_on_a_test_edge(night: Night) -> None:
    night.champion_seen = (*night.champion_seen, night.pairs.positives[:, 3:4].flip(0))


def champion_of_a_later_snapshot_than_it_says(night: Night) -> None:
    night.arrays.test_first_seen[:] = DAYS + 1
    night.champion_seen = (night.edges_of(night.tables.first_seen <= DAYS),)


def returning_edge_taken_as_fresh(night: Night) -> None:
    back = night.tables.alive_since != night.tables.first_seen
    night.put("test", night.edges_of(back))


def fresh_date_given_to_an_old_edge(night: Night) -> None:
    night.put("test", night.edges_of(night.tables.first_seen == 1))
    night.arrays.test_first_seen[0] = DAYS


def edge_in_validation_and_test_the_other_way_round(night: Night) -> None:
    night.put("valid", night.arrays.test, turned=True)


def split_made_in_the_positions_of_another_id_map(night: Night) -> None:
    night.arrays = replace(night.arrays, **{n: (getattr(night.arrays, n) + 1) % NODES for n in ("train", "test")})


def position_beyond_the_nodes(night: Night) -> None:
    night.put("message_test", torch.tensor([[0], [NODES + 3]]))


def champion_with_an_id_map_that_was_shifted(night: Night) -> None:
    night.model_ids[1] = [night.model_ids[1][-1], *night.model_ids[1][:-1]]


def champion_with_more_nodes_than_tonight(night: Night) -> None:
    night.model_ids[1] = [*night.tables.node_ids.tolist(), 7]


def other_message_graph_for_the_champion(night: Night) -> None:
    richer = Adjacency.from_edges(torch.cat([night.arrays.message_test, night.arrays.test[:, :1]], 1), NODES)
    night.scorers["champion"] = replace(night.scorers["champion"], graph=richer)


def other_features_for_the_champion(night: Night) -> None:
    night.scorers["champion"] = replace(night.scorers["champion"], features=None)


def removed_edge_as_test_positive(night: Night) -> None:
    night.put("test", night.edges_of(night.tables.removed_at != STILL_ALIVE))


def edge_removed_before_its_cut_as_training_positive(night: Night) -> None:
    night.put("train", night.edges_of(night.tables.removed_at < 10))


def validation_edge_of_the_test_window(night: Night) -> None:
    later = (night.tables.first_seen == DAYS) & (night.tables.removed_at == STILL_ALIVE)
    night.put("valid", night.edges_of(later))


def message_edge_of_the_test_window(night: Night) -> None:
    night.put("message_test", night.edges_of(night.tables.first_seen == DAYS))


def split_file_of_an_earlier_night(night: Night) -> None:
    past = night.tables.first_seen <= 20
    tables = replace(
        night.tables,
        edges=night.tables.edges[:, past],
        first_seen=night.tables.first_seen[past],
        removed_at=night.tables.removed_at[past],
        alive_since=night.tables.alive_since[past],
    )
    night.arrays = divide(tables, edge_history(tables), 20, [12], PARAMS)[1]
    night.avoided = night.arrays.known_train


PLANTS: list[tuple[Callable[[Night], None], str]] = [
    (edge_reversed_within_test, "train_valid_test_disjoint"),
    (edge_of_test_in_message_edges, "test_pairs_not_in_test_messages"),
    (negative_that_was_once_an_edge, "evaluation_negatives_never_an_edge"),
    (ended_edge_in_the_place_of_a_degree_matched_negative, "evaluation_negatives_never_an_edge"),
    (historical_negative_that_is_an_edge_again, "historical_negatives_ended_by_their_cut"),
    (historical_negative_of_validation_that_ended_after_its_cut, "historical_negatives_ended_by_their_cut"),
    (validation_negative_at_a_node_of_the_test_window, "valid_negatives_join_nodes_known_by_the_valid_cut"),
    (negative_that_joins_a_node_with_itself, "evaluation_negatives_join_two_nodes"),
    (split_lets_training_avoid_a_test_edge, "held_out_pairs_free_as_training_negatives"),
    (training_avoids_test_edges, "held_out_pairs_not_among_what_training_avoids"),
    (training_is_handed_a_test_edge, "held_out_pairs_not_in_what_training_sees"),
    (epoch_is_chosen_on_a_test_edge, "test_pairs_not_among_what_chooses_the_epoch"),
    (edge_of_test_in_training_messages, "test_pairs_not_in_training_messages"),
    (edge_of_validation_in_training_messages, "valid_pairs_not_in_training_messages"),
    (edge_of_the_test_window_as_training_message, "training_edges_not_after_train_cut"),
    (edge_removed_before_its_cut_as_validation_pair, "valid_pairs_alive_at_their_cut"),
    (pair_of_test_as_negative_of_validation, "evaluation_negatives_never_an_edge"),
    (negative_that_is_its_own_positive, "evaluation_negatives_never_an_edge"),
    (tables_that_answer_with_features_of_today, "training_features_not_younger_than_their_cut"),
    (tables_that_answer_with_features_of_today, "testing_features_not_younger_than_their_cut"),
    (edge_of_the_test_window_avoided_in_training, "training_negatives_avoid_only_what_was_known"),
    (features_of_today_in_training, "training_features_not_younger_than_their_cut"),
    (features_of_today_in_testing, "testing_features_not_younger_than_their_cut"),
    (champion_trained_on_a_test_edge, "fresh_edges_not_seen_by_champion"),
    (champion_of_a_later_snapshot_than_it_says, "fresh_edges_not_seen_by_champion"),
    (returning_edge_taken_as_fresh, "test_pairs_first_seen_after_valid_cut"),
    (fresh_date_given_to_an_old_edge, "test_dates_are_those_of_the_snapshot"),
    (edge_in_validation_and_test_the_other_way_round, "train_valid_test_disjoint"),
    (split_made_in_the_positions_of_another_id_map, "pairs_are_edges_of_the_snapshot"),
    (position_beyond_the_nodes, "positions_are_nodes"),
    (champion_with_an_id_map_that_was_shifted, "positions_keep_their_node_ids"),
    (champion_with_more_nodes_than_tonight, "positions_keep_their_node_ids"),
    (other_message_graph_for_the_champion, "models_scored_on_the_same_input"),
    (other_features_for_the_champion, "models_scored_on_the_same_input"),
    (removed_edge_as_test_positive, "test_pairs_alive"),
    (edge_removed_before_its_cut_as_training_positive, "training_pairs_alive_at_their_cut"),
    (validation_edge_of_the_test_window, "valid_pairs_between_the_cuts"),
    (message_edge_of_the_test_window, "test_messages_alive_at_valid_cut"),
    (split_file_of_an_earlier_night, "test_pairs_first_seen_after_valid_cut"),
    (split_file_of_an_earlier_night, "training_negatives_avoid_all_that_was_known"),
]


@pytest.mark.parametrize(("plant", "name"), PLANTS, ids=lambda item: getattr(item, "__name__", ""))
def test_planted_leak_is_caught_by_the_invariant_that_is_about_it(
    plant: Callable[[Night], None], name: str, tmp_path: Path
) -> None:
    night = Night()
    plant(night)
    found = night.certificate(tmp_path)
    assert found[name].violations > 0
    decision = decide(report_with(as_records(found.values())), DecideParams())
    assert not decision.promote
    assert [rule.name for rule in decision.rules if not rule.passed] == ["leak_certificate"]
    assert f"{name} {found[name].violations} of {found[name].checked}" in decision.reason


def test_every_invariant_has_a_plant_and_a_line_in_the_docs(tmp_path: Path) -> None:
    names = set(Night().certificate(tmp_path))
    assert {name for _, name in PLANTS} == names
    section = (ROOT / "docs" / "splits.md").read_text().partition("## The certificate")[2]
    assert set(re.findall(r"`([a-z]+(?:_[a-z]+){2,})`", section)) == names


@pytest.mark.parametrize("seed", range(20))
def test_features_are_recounted_from_their_history_as_a_plain_loop_finds_them(seed: int) -> None:
    g = np.random.default_rng(seed)
    history = FeatureHistory.empty(("height", "width"))
    for day in sorted(g.choice(DAYS, size=4, replace=False)):
        some = g.permutation(NODES)[: g.integers(0, NODES)]
        history = history.with_changes(some, np.full_like(some, day), g.random((len(some), 2), dtype=np.float32) + 1)
    night = Night()
    tables = replace(night.tables, features=history.newest(NODES), history=history)
    assert night.split.cut_valid is not None
    known = torch.zeros(NODES, 2)
    newest = [-1] * NODES
    for node, since, values in zip(history.node, history.since, history.values, strict=True):
        if newest[node] <= since <= night.split.cut_valid:
            known[node], newest[node] = torch.from_numpy(values), since
    as_of = datetime.fromtimestamp(DAYS, UTC)
    (sound,) = features_as_known("testing", known, tables, night.record, as_of)
    assert (sound.checked, sound.violations) == (NODES, 0)
    known[3] += 1
    known[7, 1] = -1
    assert features_as_known("testing", known, tables, night.record, as_of)[0].violations == 2


@pytest.mark.parametrize("method", ["temporal", "hashed", "random"])
def test_sound_night_passes_with_something_checked_everywhere(method: str, tmp_path: Path) -> None:
    found = Night(method).certificate(tmp_path)
    assert len(found) == (29 if method == "temporal" else 24)
    for item in found.values():
        assert item.passed, item
        assert item.checked > 0, item
    assert decide(report_with(as_records(found.values())), DecideParams()).promote


def test_swapped_split_file_is_caught_where_no_time_divides_the_edges(tmp_path: Path) -> None:
    night = Night("hashed")
    hashed = night.edges_of(night.tables.first_seen <= 20)[:, ::7]
    night.arrays = replace(night.arrays, known_train=hashed)
    night.avoided = hashed
    assert night.certificate(tmp_path)["training_negatives_avoid_all_that_was_known"].violations > 0


def test_graph_without_features_has_no_feature_to_check() -> None:
    night = Night()
    tables = replace(night.tables, features=None, history=None)
    assert features_as_known("testing", None, tables, night.record, datetime.fromtimestamp(DAYS, UTC)) == ()
