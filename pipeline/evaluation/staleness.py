"""What age costs, by the night: which earlier models and graphs are compared, and what was found of each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeVar

import torch
from torch import Tensor

from ncnc_core.errors import InvalidGraph
from ncnc_core.link_model import LinkModel
from pipeline.doors import Doors
from pipeline.errors import StepError
from pipeline.evaluation.aged_scores import Tonight, aged_graph, aged_model, tonights_graph, tonights_model
from pipeline.evaluation.earlier_nights import earlier_model, nights_before, why_left_out
from pipeline.ledger.entries import NightEntry
from pipeline.params.params import EvaluateParams
from pipeline.records.evaluation import AgedScores, Staleness

logger = logging.getLogger(__name__)
T = TypeVar("T")
FEWEST_EDGES = 30  # where a night leaves fewer that all have not seen, it is left out, and the older ones have more
MOST_EDGES = 2000  # test edges, with their negatives: bounds the cost, and the interval is narrow enough


@dataclass(frozen=True)
class _Aged:
    """The model, or the graph, of the night that lies so many nights back."""

    kind: Literal["model", "graph"]
    nights: int
    night: NightEntry

    @property
    def key(self) -> str:
        """What the record calls it."""
        return f"{self.kind} {self.nights}"

    def measured(self, tonight: Tonight, model: LinkModel, confidence: float) -> AgedScores:
        """Return its figures, from the model that its night trained."""
        of = aged_model if self.kind == "model" else aged_graph
        return of(tonight, model, self.nights, self.night.run_name, self.night.as_of, confidence)


def staleness(tonight: Tonight, params: EvaluateParams, doors: Doors) -> Staleness | None:
    """Measure the ages that `params.staleness` names, as far as they can be had; None where it names none.

    Models: each scores tonight's edges on tonight's message graph, as the challenger does. Graphs: the champion's
    weights score them on the graph that an earlier night would have served. A graph's age is counted back from the
    message graph, which holds nothing later than `tonight.cut`: no graph that holds the edges could be tested on them.
    A pair with an end that the older graph lacks has no score there, as on request, and ranks below all that have one.
    On the message graph the same holds for nodes that came after the cut.

    It decides nothing, so what cannot be read is left out with the reason. Cost: a model is read for each age and
    curve, and scores at most MOST_EDGES edges with their negatives.
    """
    if not params.staleness:
        return None
    absent: dict[str, str] = {}
    found = _available(tonight, params.staleness, absent, doors)
    chosen, places = _with_common_edges(found, tonight, absent)
    if not chosen:
        return Staleness(metric="mrr", num_edges=0, absent=absent)
    drawn = torch.randperm(places.numel(), generator=torch.Generator().manual_seed(params.seed))[:MOST_EDGES]
    sample = tonight.on(places[drawn.sort().values])
    points = _points(chosen, sample, params.confidence, absent, doors)
    models = [points[one.key] for one in chosen if one.kind == "model" and one.key in points]
    graphs = [points[one.key] for one in chosen if one.kind == "graph" and one.key in points]
    return Staleness(
        metric="mrr",
        num_edges=len(drawn) if points else 0,
        models=(tonights_model(sample, params.confidence), *models) if models else (),
        graphs=(tonights_graph(sample, params.confidence), *graphs) if graphs else (),
        absent=absent,
    )


def _available(tonight: Tonight, ages: Sequence[int], absent: dict[str, str], doors: Doors) -> list[_Aged]:
    """Return the nights of both curves against which ledger and journal say nothing, by kind and age."""
    entries = doors.ledger.entries(tonight.graph)
    retracted = {tag: one.in_words for tag, one in doors.snapshots.journal().retracted.items()}
    found = []

    def look(kind: Literal["model", "graph"], start: datetime, than: str, hindrance: str = "") -> None:
        nights = nights_before(entries, start)
        count = f"only {len(nights)} night{'' if len(nights) == 1 else 's'}" if nights else "no night"
        short = f"{count} with a model before {than}"
        for age in ages:
            why = hindrance or (short if age > len(nights) else why_left_out(nights[-age], entries, retracted))
            if why:
                absent[f"{kind} {age}"] = why
            else:
                found.append(_Aged(kind, age, nights[-age]))

    look("model", tonight.as_of, "tonight")
    look("graph", tonight.cut, "the test's graph", tonight.no_champion)
    return found


def _with_common_edges(found: Sequence[_Aged], tonight: Tonight, absent: dict[str, str]) -> tuple[list[_Aged], Tensor]:
    """Return what can be compared on common edges, and the places of these edges among the pairs.

    A night has seen every edge that was first seen by its as-of. The oldest come first, so that it is the youngest that
    are left out where they leave too few.
    """
    first_seen = tonight.pairs.first_seen[: tonight.pairs.num_fresh]
    fresh = torch.ones_like(first_seen, dtype=torch.bool)
    for one in sorted(found, key=lambda one: one.night.as_of):
        left = fresh & (first_seen > int(one.night.as_of.timestamp()))
        if (count := int(left.sum())) >= FEWEST_EDGES:
            fresh = left
            continue
        new = f"only {count} of the test edges are new to it and to all older ones"
        absent[one.key] = f"{new}, and {FEWEST_EDGES} are needed"
    return [one for one in found if one.key not in absent], fresh.nonzero().flatten()


def _points(
    chosen: Sequence[_Aged], tonight: Tonight, confidence: float, absent: dict[str, str], doors: Doors
) -> Mapping[str, AgedScores]:
    """Return the figures of each by its key; a night's model is read once, and one at a time is held."""
    points = {}
    for night in {one.night.run_name: one.night for one in chosen}.values():
        those = [one for one in chosen if one.night.run_name == night.run_name]
        model = _attempted(earlier_model, night, tonight.tables, tonight.columns, doors)
        for one in those:
            found = model if isinstance(model, str) else _attempted(one.measured, tonight, model, confidence)
            if isinstance(found, str):
                logger.warning("what age costs is not measured for %s: %s", one.key, found)
                absent[one.key] = found
            else:
                points[one.key] = found
    return points


def _attempted(get: Callable[..., T], *given: object) -> T | str:
    """Return what is asked for, or in a sentence why it is not to be had: no older model may end tonight's evaluation.

    Trouble outside too: the night goes on, and where MLflow is away as a whole the step meets that itself.
    """
    try:
        return get(*given)
    except (StepError, InvalidGraph, OSError, RuntimeError) as error:  # torch raises the last where shapes do not fit
        said = str(error).partition(". ")[0].rstrip(".")
        return said[:1].lower() + said[1:] if said.startswith(("Its ", "The ")) else said
