"""What needs a person now, read from the ledger, the nights' figures and MLflow's aliases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from pipeline.ledger.entries import AliasEvent, AliasObserved, Entry, NightEntry, RefreshRefused
from pipeline.ledger.night import last_nights
from pipeline.ledger.promotion_stops import standing_stop, stop_in_words
from pipeline.ledger.registry_agreement import RegistryState, disagreement
from pipeline.ledger.served_weights import champion_weights
from pipeline.records.names import graph_of_tag
from pipeline.records.scores import interval_text
from pipeline.report.blocks import metric_name, scorer_name
from pipeline.report.kept_figures import NightFigures

MANY_SKIPPED = 3
URGENT = ("disagreement", "retracted", "failed", "refused", "refresh refused", "below floor")


@dataclass(frozen=True)
class Need:
    """One thing that a person should look at: what it is, in one word and in a sentence, and what to do or to run."""

    kind: str
    what: str
    advice: str
    command: str = ""
    night: str = ""  # the run whose page tells more

    @property
    def urgent(self) -> bool:
        """Whether it is about what is served, or nights have stopped."""
        return self.kind in URGENT


def needs(
    entries: Sequence[Entry],
    figures: Mapping[str, NightFigures],
    state: RegistryState,
    *,
    graph: str,
    at: datetime,
    retracted: str = "",
) -> tuple[Need, ...]:
    """Return what needs a person, the most urgent first; `retracted` says that the champion's snapshot was."""
    nights = list(last_nights(entries).values())
    found = [
        _disagreement(entries, state, graph),
        _retracted(retracted, graph),
        *(_awaiting(night) for night in nights if night.outcome == "awaiting"),
        _broken(nights),
        _graph_not_served(entries),
        below_floor(entries, figures),
        *_moved(entries, graph),
        _skipped(nights),
        _stopped(entries, graph, at),
    ]
    return tuple(need for need in found if need is not None)


def below_floor(entries: Sequence[Entry], figures: Mapping[str, NightFigures]) -> Need | None:
    """Return that the champion reached less than the best of the floor on the last night that scored it."""
    champion = champion_weights(entries)
    known = (figures.get(name) for name in last_nights(entries))
    scored = [night for night in known if night is not None and night.champion is not None]
    if champion is None or not scored or scored[-1].champion_version != champion:
        return None
    night = scored[-1]
    if night.champion is None or night.floor is None or night.champion.value >= night.floor.value:
        return None
    metric = metric_name(night.metric)
    return Need(
        "below floor",
        f"Champion version {champion} is below the floor: {metric} {interval_text(night.champion)}, and "
        f"{scorer_name(night.floor_name)} reaches {interval_text(night.floor)}.",
        f"Until a night promotes a better model, rank pairs by {scorer_name(night.floor_name)}, or roll back to a "
        f"version that was better. The night's page shows on which edges it fell behind.",
        night=night.run_name,
    )


def _moves_champion(entry: Entry) -> bool:
    return isinstance(entry, AliasEvent) and entry.alias == "champion"


def _graph_not_served(entries: Sequence[Entry]) -> Need | None:
    """Return that the newest graph is not served, where the last word on what serves is a refused refresh."""
    told = (one for one in reversed(entries) if isinstance(one, RefreshRefused) or _moves_champion(one))
    last = next(told, None)
    if not isinstance(last, RefreshRefused):
        return None
    graph = graph_of_tag(last.snapshot_tag)
    return Need("refresh refused", f"The graph of {graph} is not served, and version {last.version} stays: {last.why}.",
                "Look at the graph and at the champion. To serve it all the same, raise refresh.maximum_loss and run:",
                f"ncnc refresh --graph {last.graph} --reason ...")  # fmt: skip


def _disagreement(entries: Sequence[Entry], state: RegistryState, graph: str) -> Need | None:
    said = disagreement(entries, state)
    if said is None:
        return None
    return Need("disagreement", f"Ledger and MLflow disagree: {said}.", "No night runs until this is mended. See:",
                f"ncnc registry doctor --graph {graph}")  # fmt: skip


def _retracted(said: str, graph: str) -> Need | None:
    if not said:
        return None
    return Need("retracted", f"{said[0].upper()}{said[1:]}.", "Roll back to a version made from another snapshot:",
                f"ncnc rollback --graph {graph} --to VERSION --reason ...")  # fmt: skip


def _awaiting(night: NightEntry) -> Need:
    advice = "Approve or reject it in Airflow, under Required Actions of the task approve."
    return Need("awaiting", f"The night of {_date(night)} waits for a person.", advice, night=night.run_name)


def _broken(nights: Sequence[NightEntry]) -> Need | None:
    """Return that the last night, or the last few in a row, came to no decision."""
    # A night that the gate refused is completed: its model was judged, and nothing is broken.
    stopped = ("failed", "refused")
    broken = list(takewhile(lambda night: night.outcome in stopped and not night.completed, reversed(nights)))
    if not broken:
        return None
    row = f"The last {len(broken)} nights" if len(broken) > 1 else f"The night of {_date(broken[0])}"
    verb = "were refused or failed" if len(broken) > 1 else f"was {broken[0].outcome}".replace("was failed", "failed")
    advice = "The reason names the remedy. Then clear the night's first task that failed."
    what = f"{row} {verb}: {broken[0].reason.rstrip('.')}."
    return Need(broken[0].outcome, what, advice, night=broken[0].run_name)


def _moved(entries: Sequence[Entry], graph: str) -> list[Need]:
    """Return the champion's last move where somebody made it in MLflow without the ledger."""
    moves = [entry for entry in entries if _moves_champion(entry)]
    if not moves or not isinstance(moves[-1], AliasObserved):
        return []
    found = moves[-1]
    what = "nothing" if found.version is None else f"version {found.version}"
    undo = "" if found.previous is None else f"ncnc rollback --graph {graph} --to {found.previous} --reason ..."
    return [Need("moved outside", f"Somebody set the champion to {what} in MLflow, without the ledger.",
                 "If that is right, you need not do anything. If it is wrong:", undo)]  # fmt: skip


def _skipped(nights: Sequence[NightEntry]) -> Need | None:
    count = len(list(takewhile(lambda night: night.outcome == "skipped", reversed(nights))))
    if count < MANY_SKIPPED:
        return None
    return Need("skipped", f"The last {count} nights were skipped: nothing had changed.",
                "Ask whether the source still delivers.")  # fmt: skip


def _stopped(entries: Sequence[Entry], graph: str, at: datetime) -> Need | None:
    stop = standing_stop(entries, at)
    if stop is None:
        return None
    said, end = stop_in_words(stop), "resume" if stop.version is None else "unpin"
    return Need("stopped", f"{said[0].upper()}{said[1:]}.", "Nothing is promoted meanwhile. To end it:",
                f"ncnc registry {end} --graph {graph} --reason ...")  # fmt: skip


def _date(night: NightEntry) -> str:
    return f"{night.as_of:%Y-%m-%d %H:%M}"
