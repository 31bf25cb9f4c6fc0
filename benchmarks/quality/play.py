"""One method on one data set with one seed: divide, choose on validation, grade once."""

from __future__ import annotations

import time
from dataclasses import asdict

import torch

from benchmarks.datasets import load
from benchmarks.quality.choice import Candidate, Choice, choose
from benchmarks.quality.methods import HEURISTIC_METHODS, candidates
from benchmarks.quality.protocol import PROTOCOLS, Exam, LearningSide, divide
from benchmarks.quality.results import Run, digest


def definition_digest(data: str, method: str, most_epochs: int | None = None) -> str:
    """Return the digest of all that defines a method's runs on a data set: protocol, models, recipes."""
    definition: dict[str, object] = {"protocol": asdict(PROTOCOLS[data]), "method": method}
    if method not in HEURISTIC_METHODS:
        definition["candidates"] = {one.name: one.definition() for one in _entrants(data, method, most_epochs)}
    return digest(definition)


def play(
    data: str, method: str, seed: int, device: str = "cpu", threads: int | None = None, most_epochs: int | None = None
) -> Run:
    """Run one method with one seed; the seed draws the split, the weights and the batches."""
    if threads is not None:
        torch.set_num_threads(threads)
    learning, exam = divide(load(data), PROTOCOLS[data], seed)
    started = time.perf_counter()
    found: tuple[float | None, str | None, int | None] = None, None, None
    if method in HEURISTIC_METHODS:
        test = sit_heuristic(method, learning, exam)
    else:
        choice, test = learn_and_sit(_entrants(data, method, most_epochs), learning, exam, seed, device)
        found = (choice.validated, choice.candidate.name, choice.trained.best_epoch)
    seconds = time.perf_counter() - started
    definition = definition_digest(data, method, most_epochs)
    was_cut = definition != definition_digest(data, method)
    return Run(
        data=data,
        method=method,
        seed=seed,
        digest=definition,
        test=test,
        valid=found[0],
        chosen=found[1],
        epoch=found[2],
        seconds=round(seconds, 2),
        device=device,
        most_epochs=most_epochs if was_cut else None,
    )


def _entrants(data: str, method: str, most_epochs: int | None) -> list[Candidate]:
    return [one.within(most_epochs) for one in candidates(data, method)]


def learn_and_sit(
    entrants: list[Candidate], learning: LearningSide, exam: Exam, seed: int, device: str = "cpu"
) -> tuple[Choice, float]:
    """Choose among the entrants on validation, then grade the choice; `choose` is not given the exam."""
    choice = choose(entrants, learning, seed, device)
    return choice, exam.grade(choice.scorer(learning, device))


def sit_heuristic(method: str, learning: LearningSide, exam: Exam) -> float:
    """Grade a heuristic, which learns nothing."""
    adjacency = learning.adjacency()
    return exam.grade(lambda pairs: HEURISTIC_METHODS[method](adjacency, pairs))
