"""The one screen that the demo ends with: each night's outcome, the champion, and what to run next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from embedded.layout import REPOSITORY, Layout
from embedded.night_results import NightResult, against_rivals
from pipeline.ledger.story import Event
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.scores import ModelScores, interval_text
from pipeline.terminal import Said, Terminal, styled

WIDTH = 100
MOST_WITH_REASONS = 8  # nights: a second line for each would fill more than one screen
COLUMNS = "{:>5}  {:10}  {:9}  {:>7}  {:>9}  {:21}  {:21}"
INDENT = " " * 7
COLOURS = {"promoted": "green", "refused": "red", "failed": "red", "rejected": "yellow"}


def show_summary(
    graph: str,
    results: Sequence[NightResult],
    events: Sequence[Event],
    layout: Layout,
    console: Terminal,
    *,
    served: tuple[int, str] | None = None,
) -> None:
    """Print what came of the nights on one screen of at most 100 columns; the ledger's events name the champion.

    `served` is the version whose weights it carries, and the champion in words.
    """
    width = min(WIDTH, console.width)

    def line(text: Said) -> None:
        console.print(text, width=width, no_wrap=True, overflow="ellipsis", crop=True)

    line(styled((f"The nights of {graph}", "bold")))
    metric = next((result.evaluation.paired_metric for result in results if result.evaluation), "metric")
    headings = ("night", "as of", "outcome", "version", "edges", f"challenger's {metric}", f"champion's {metric}")
    line(styled((COLUMNS.format(*headings), "dim")))
    for result in results:
        line(styled((_night(result), COLOURS.get(result.outcome, ""))))
        if len(results) <= MOST_WITH_REASONS:
            line(styled((f"{INDENT}{result.served}{' '.join(result.reason.split())}", "dim")))
    console.print()
    for told in _champion(events, served):
        line(told)
    if compared := _against_heuristics(results, events, served):
        console.print(compared, width=width)
    console.print()
    for command, shows in _next_commands(layout):
        line(styled((f"{command:<33}", "bold"), shows))
    console.print(f"before ncnc, load its settings: set -a; . {_short(layout.env)}; set +a", width=width)
    console.print(f"a page for each night: {_short(layout.home / 'reports')}", width=width)


def _night(result: NightResult) -> str:
    snapshot, evaluation = result.snapshot, result.evaluation
    return COLUMNS.format(
        result.night.number,
        f"{result.night.as_of:%Y-%m-%d}",
        result.outcome,
        "-" if result.version is None else result.version,
        f"{snapshot.num_edges:,}" if snapshot else "-",
        _score(evaluation, evaluation.challenger if evaluation else None),
        _score(evaluation, evaluation.champion if evaluation else None),
    ).rstrip()


def _score(evaluation: EvaluationRecord | None, scores: ModelScores | None) -> str:
    found = scores.metrics.get(evaluation.paired_metric) if evaluation and scores else None
    return "-" if found is None else interval_text(found)


def _champion(events: Sequence[Event], served: tuple[int, str] | None) -> list[str]:
    """Return who is champion, on which graph, and how its weights became so."""
    champion = events[-1].champion if events else None
    if champion is None:
        return ["There is no champion."]
    told = [f"Version {champion} is the champion." if served is None else f"Champion: {served[1]}"]
    others = [event for event in events if event.kind != "refreshed"]
    moves = [event for before, event in zip((None, *others), others, strict=False) if _moved(before, event)]
    told.append(f"{moves[-1].what} ({moves[-1].who}: {' '.join(moves[-1].why.split())})")
    return told


def _against_heuristics(results: Sequence[NightResult], events: Sequence[Event], served: tuple[int, str] | None) -> str:
    """Return how the champion compared with the heuristics on the night that trained it, if it is one of these."""
    champion = served[0] if served is not None else events[-1].champion if events else None
    for result in results:
        if result.version is not None and result.version == champion and result.evaluation is not None:
            return f"On night {result.night.number} it {against_rivals(result.evaluation)}."
    return ""


def _moved(before: Event | None, event: Event) -> bool:
    return event.champion is not None and (before is None or before.champion != event.champion)


def _next_commands(layout: Layout) -> tuple[tuple[str, str], ...]:
    stack = "" if layout.root.name == "demo" else f" STACK={layout.root.name}"
    return (
        (f"make up{stack}", "start Airflow and MLflow again; make down ends them"),
        (".venv/bin/ncnc status", "the nights with their reasons in full, and the champion's age"),
        (".venv/bin/ncnc registry history", "every promotion, rejection and rollback: who, when and why"),
    )


def _short(path: Path) -> Path:
    """Return a path as it is typed in the checkout, where `make demo` was run."""
    return path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path
