"""What a person does by hand: promote a run or a version, reject a run, roll back."""

from __future__ import annotations

import logging
from typing import cast

from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NothingToDo
from pipeline.ledger.alias_history import Move, champions
from pipeline.ledger.approvals import Answer, last_night, objections, standing_answer
from pipeline.ledger.entries import AliasEntry, AliasObserved, ApprovalEntry, Entry
from pipeline.ledger.promotion_stops import expect_promotions
from pipeline.ledger.served_weights import champion_weights, weights_of
from pipeline.night import run_step
from pipeline.records.chain import PromotionDecision, RegisteredModel
from pipeline.records.names import RUNS
from pipeline.runs.folder import RunFolder

logger = logging.getLogger(__name__)


def promote_by_hand(folder: RunFolder, *, who: str, reason: str, override: bool, doors: Doors) -> RegisteredModel:
    """Approve a decided run in a person's name, register it and make it champion.

    Raises:
        InvalidInput: the gate refused it, a person rejected it, or another champion came since, and `override` is not
            given; or a rule that nobody may overrule has failed; or promotions are stopped.
        NothingToDo: the run is champion already, or was.
    """
    decision = folder.get(PromotionDecision)
    doors.aliases.look(folder.graph, who=who, at=doors.clock())
    entries = doors.ledger.entries(folder.graph)
    night = last_night(entries, folder.name)
    if night is not None and night.outcome == "promoted":
        raise NothingToDo(
            f"Run {folder.name} was promoted already, as version {night.version}. To make that version champion again: "
            f"ncnc rollback --graph {folder.graph} --to {night.version} --reason ..."
        )
    expect_promotions(entries, doors.clock())
    standing = standing_answer(entries, folder.name)
    overruled = standing is not None and bool(standing.overridden)  # by an earlier try, which died after it
    against = () if overruled else objections(decision, standing, champion_weights(entries))
    if against and not override:
        raise InvalidInput(
            f"Run {folder.name} cannot be promoted: {'; '.join(against)}. Pass --override to overrule that: the "
            f"ledger, the version's tags and its card will say who did it, and why."
        )
    if against:
        logger.warning("OVERRIDE by %s (%s) sets aside: %s", who, reason, "; ".join(against))
    answer = Answer(approved=True, who=who, at=doors.clock(), reason=reason, overridden="; ".join(against))
    params = folder.frozen_params()
    return cast(RegisteredModel, run_step("register", folder, params, doors=doors, answer=answer))


def run_of_version(graph: str, number: int, *, who: str, doors: Doors) -> RunFolder:
    """Return the run to promote for a version that is registered and never was champion.

    A version is made by a promotion alone, so that it is one that another promotion or a rollback overtook.

    Raises:
        InvalidInput: there is no such version, or it was champion before.
        NothingToDo: it is champion already.
    """
    doors.aliases.look(graph, who=who, at=doors.clock())
    version = doors.registry.versions.get(graph, number)
    entries = doors.ledger.entries(graph)
    _expect_no_refresh(entries, graph, number)
    if champion_weights(entries) == number:
        raise NothingToDo(f"Version {number} is the champion of {graph} already.")
    if number in champions(entries):
        raise InvalidInput(
            f"Version {number} of {graph} was champion before, and to make it champion again is a rollback: "
            f"ncnc rollback --graph {graph} --to {number} --reason ..."
        )
    first = doors.registry.versions.of_run_key(graph, version.run_key)
    if first is not None and first.version != number:
        raise InvalidInput(
            f"Version {number} of {graph} is the copy that a race of run {version.run_name} left beside version "
            f"{first.version}. Promote that one: ncnc promote --graph {graph} --version {first.version} --reason ..."
        )
    return RunFolder(doors.environment.home / RUNS / version.run_name, doors.registry)


def reject_by_hand(folder: RunFolder, *, who: str, reason: str, doors: Doors) -> ApprovalEntry:
    """Reject a run that awaits a person, and return the answer that stands: an earlier one, if there is one.

    Raises:
        InvalidInput: the run is not waiting for approval, or was approved before.
    """
    entries = doors.ledger.entries(folder.graph)
    standing, night = standing_answer(entries, folder.name), last_night(entries, folder.name)
    if standing is None and (night is None or night.outcome != "awaiting"):
        raise InvalidInput(
            f"Run {folder.name} is not waiting for approval: {night.outcome if night else 'it is not decided'}. "
            f"`ncnc registry show --graph {folder.graph}` lists the runs that do; a champion is taken back with "
            f"ncnc rollback."
        )
    if standing is None or standing.verdict == "rejected":
        answer = Answer(approved=False, who=who, at=doors.clock(), reason=reason)
        try:
            run_step("register", folder, folder.frozen_params(), doors=doors, answer=answer)
        except NothingToDo:
            logger.info("run %s is rejected", folder.name)
        standing = standing_answer(doors.ledger.entries(folder.graph), folder.name)
    if standing is None or standing.verdict == "approved":
        by = f" by {standing.who} on {standing.at:%Y-%m-%d %H:%M} UTC" if standing else ""
        raise InvalidInput(
            f"Run {folder.name} was approved{by}, and the first answer stands. Take a champion back with "
            f"ncnc rollback --graph {folder.graph} --to VERSION --reason ..."
        )
    return standing


def roll_back(graph: str, to: int, *, who: str, reason: str, doors: Doors) -> int | None:
    """Make a version's weights champion again, and return the version whose weights were champion until now.

    Raises:
        InvalidInput: there is no such version, it never was champion or is a refresh, or the champion is pinned.
        NothingToDo: it is champion already.
        Overtaken: another promotion or rollback came first.
    """
    doors.aliases.look(graph, who=who, at=doors.clock())
    doors.registry.versions.get(graph, to)  # it must be there, and made by this pipeline
    entries = doors.ledger.entries(graph)
    _expect_no_refresh(entries, graph, to)
    was = champions(entries)
    if to not in was:
        raise InvalidInput(
            f"Version {to} of {graph} never was champion; those that were: {', '.join(map(str, was)) or 'none'}. Roll "
            f"back to one of them, or promote it: ncnc promote --graph {graph} --version {to} --reason ..."
        )
    if was[-1] == to and (last := _last_champion(entries)) is not None and last.version == to:
        if (last.who, getattr(last, "why", None)) == (who, reason):
            return weights_of(entries, last.previous)  # this very rollback, cut off or retried
        raise NothingToDo(f"Version {to} is the champion of {graph} already.")
    standing = champion_weights(entries)
    move = Move(graph, who, reason, doors.clock())
    doors.aliases.crown(to, move, instead_of=standing, challenger=False)
    return standing


def _expect_no_refresh(entries: tuple[Entry, ...], graph: str, number: int) -> None:
    if (weights := weights_of(entries, number)) != number:
        raise InvalidInput(
            f"Version {number} of {graph} has the weights of version {weights} and the graph of another night. Name "
            f"the weights: ncnc rollback --graph {graph} --to {weights} --reason ... They then get the newest graph."
        )


def _last_champion(entries: tuple[Entry, ...]) -> AliasEntry | AliasObserved | None:
    """Return the newest move of the champion to other weights."""
    moves = [entry for entry in entries if isinstance(entry, AliasEntry | AliasObserved) and entry.alias == "champion"]
    return moves[-1] if moves else None
