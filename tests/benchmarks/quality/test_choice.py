from __future__ import annotations

import dataclasses

import pytest
import torch
from torch_geometric.data import Data

from benchmarks.quality import play
from benchmarks.quality.choice import Candidate, Choice, choose
from benchmarks.quality.protocol import Exam, LearningSide, Protocol, SatTwice, divide
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph

SMALL = Protocol(10, 10, 0.1, 0.2, valid_negative_share=0.1, test_negative_share=0.2)


def cliques() -> Data:
    """Twelve cliques of eight nodes: 336 edges, each of which has common neighbours, and no other pair has."""
    inside = torch.combinations(torch.arange(8)).T
    return Data(edge_index=torch.cat([inside + 8 * number for number in range(12)], 1), num_nodes=96)


def candidate(name: str, epochs: int = 2, **model: object) -> Candidate:
    config = ModelConfig.model_validate({"predictor": "ncn", "hidden_channels": 16, **model})
    return Candidate(name, config, TrainingConfig(epochs=epochs, batch_size=64, patience=epochs))


# GAE on structural features alone cannot tell one clique's node from another's; NCN sees the common neighbours.
BLIND, SEEING = candidate("blind", predictor="gae"), candidate("seeing", epochs=4)


def test_validation_chooses_and_the_exam_confirms() -> None:
    learning, exam = divide(cliques(), SMALL, seed=0)
    choice = choose([BLIND, SEEING], learning, seed=0)
    assert choice.candidate is SEEING
    assert choice.validated == choice.trained.best_value > 0.9
    assert choice.trained.selection_metric == "hits@10"
    assert exam.grade(choice.scorer(learning)) > 0.9


def test_candidates_are_judged_by_pairs_that_did_not_choose_their_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    learning, _ = divide(cliques(), SMALL, seed=0)
    sides: list[tuple[str, LearningSide]] = []
    train = Candidate.train

    def watched(one: Candidate, side: LearningSide, *rest: object) -> object:
        sides.append((one.name, side))
        return train(one, side, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Candidate, "train", watched)
    choose([BLIND, SEEING], learning, seed=0)
    sizes = [(name, side.valid_edges.shape[1], side.valid_hits_at) for name, side in sides]
    assert sizes == [("blind", 16, 5), ("seeing", 16, 5), ("seeing", 33, 10)]  # the last time with all of validation
    sides.clear()
    choose([SEEING], learning, seed=0)
    assert [(name, side is learning) for name, side in sides] == [("seeing", True)]


def test_the_side_s_metric_chooses_the_epoch() -> None:
    learning, _ = divide(cliques(), dataclasses.replace(SMALL, by_average_precision=True), seed=0)
    assert choose([SEEING], learning, seed=0).trained.selection_metric == "average_precision"


def test_the_first_of_equals_is_chosen() -> None:
    learning, _ = divide(cliques(), SMALL, seed=0)
    same = dataclasses.replace(SEEING, name="same")
    assert choose([SEEING, same], learning, seed=0).candidate is SEEING


def test_the_run_s_seed_is_the_training_s() -> None:
    learning, _ = divide(cliques(), SMALL, seed=0)
    first, again, other = (choose([SEEING], learning, seed).trained.network.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_no_candidate_is_refused() -> None:
    learning, _ = divide(cliques(), SMALL, seed=0)
    with pytest.raises(InvalidGraph, match=r"0 candidates to choose from. Give at least one"):
        choose([], learning, seed=0)


def test_a_definition_holds_every_field() -> None:
    definition = SEEING.definition()
    later = {"spectral_proximity": False, "edge_directions": False}  # came after the first kept runs: no change
    assert definition["model"] | later == SEEING.model.model_dump(mode="json")
    assert definition != candidate("seeing", epochs=5).definition()
    assert definition != candidate("seeing", epochs=4, beta=2.0).definition()


def test_a_candidate_cut_short_is_cut_with_what_it_sets_out_from() -> None:
    two = dataclasses.replace(SEEING, start=BLIND)
    assert two.within(None) == two
    short = two.within(3)
    assert short.start is not None
    assert (short.training.epochs, short.start.training.epochs) == (3, 2)
    assert short.model == two.model


def test_what_it_sets_out_from_gives_the_first_weights() -> None:
    learning, _ = divide(cliques(), SMALL, seed=0)
    still = SEEING.training.model_copy(update={"encoder_learning_rate": 0.0, "epochs": 1})
    second = Candidate("second", SEEING.model, still, start=SEEING)
    first, then = (one.train(learning, 0).network.state_dict() for one in (SEEING, second))
    kept = [name for name in first if name.startswith("encoder.")]
    assert kept
    assert all(torch.equal(first[name], then[name]) for name in kept)


def exam_with_labels_exchanged(exam: Exam) -> Exam:
    return Exam(exam._negatives, exam._positives, exam.hits_at)


def test_exchanged_test_labels_change_the_grade_and_nothing_that_was_chosen() -> None:
    learning, exam = divide(cliques(), SMALL, seed=0)
    choice, grade = play.learn_and_sit([BLIND, SEEING], learning, exam, seed=0)
    other, other_grade = play.learn_and_sit([BLIND, SEEING], learning, exam_with_labels_exchanged(exam), seed=0)
    assert grade > 0.9 > other_grade
    assert (other.candidate, other.trained.best_epoch) == (choice.candidate, choice.trained.best_epoch)
    weights, others = choice.trained.network.state_dict(), other.trained.network.state_dict()
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def test_a_chooser_that_looks_at_the_exam_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    learning, exam = divide(cliques(), SMALL, seed=0)

    def looks(entrants: list[Candidate], side: LearningSide, seed: int, device: str = "cpu") -> Choice:
        sat = [choose([one], side, seed) for one in entrants]
        return max(sat, key=lambda choice: exam.grade(choice.scorer(side)))

    monkeypatch.setattr(play, "choose", looks)
    with pytest.raises(SatTwice):
        play.learn_and_sit([BLIND, SEEING], learning, exam, seed=0)
    _, exam = divide(cliques(), SMALL, seed=0)
    with pytest.raises(SatTwice):
        play.learn_and_sit([SEEING], learning, exam, seed=0)  # one look is one too many: the grading is the second
