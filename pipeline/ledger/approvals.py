"""A person's answer about a night: given once, kept in the ledger; and the rules that no answer overrides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.errors import InvalidInput
from pipeline.ledger.collected_models import expect_model
from pipeline.ledger.entries import ApprovalEntry, Entry, NightEntry
from pipeline.records.chain import Approval, PromotionDecision

AWAITS = "awaits a person's approval; the gate: "  # before the gate's own reason
NOBODY = "nobody"  # who answers where the time ran out

# If one of these failed, the scores mean nothing: there is no result that a person could prefer.
NEVER_OVERRIDDEN = ("leak_certificate", "data_checks")


@dataclass(frozen=True)
class Answer:
    """What was answered about a run, by whom and when; `overridden` is the objection that it sets aside."""

    approved: bool
    who: str
    at: datetime
    reason: str
    overridden: str = ""

    @classmethod
    def of_operator(cls, answer: str, by: str, at: datetime, why: str = "") -> Answer:
        """Return the answer that Airflow's approval operator gave, and why; nobody answered where the time ran out.

        Raises:
            InvalidInput: the answer is neither Approve nor Reject.
        """
        if answer not in ("Approve", "Reject"):
            raise InvalidInput(f"The answer about a run is {answer!r}. Pass --answer Approve or --answer Reject.")
        approved = answer == "Approve"
        if approved and not by.strip():
            raise InvalidInput(
                "The answer Approve comes from nobody. An approval needs a person: pass --by with the name."
            )
        if not by.strip():
            reason = "no answer in time"
        elif why.strip():
            reason = f"{why.strip()} (in Airflow)"
        else:
            reason = "approved in Airflow" if approved else "rejected in Airflow"
        return cls(approved, by.strip() or NOBODY, at, reason)


def standing_answer(entries: Sequence[Entry], run_name: str) -> ApprovalEntry | None:
    """Return the answer that counts for a run: the first, or a later override."""
    answers = [entry for entry in entries if isinstance(entry, ApprovalEntry) and entry.run_name == run_name]
    overruling = [entry for entry in answers if entry.verdict == "approved" and entry.overridden]
    return overruling[-1] if overruling else answers[0] if answers else None


def answering(entries: Sequence[Entry], graph: str, run_name: str, answer: Answer) -> tuple[ApprovalEntry, ...]:
    """Return the entry that keeps an answer; none where an earlier one stands, as after a retry.

    Raises:
        InvalidInput: the run is approved, and its trained model was collected.
    """
    standing = standing_answer(entries, run_name)
    if answer.approved:
        expect_model(
            entries, run_name
        )  # in the same compare-and-set as a collection, so that one of the two comes first
    overrules = answer.approved and bool(answer.overridden)
    if standing is not None and (standing.overridden or not overrules):
        return ()
    return (
        ApprovalEntry(
            graph=graph,
            run_name=run_name,
            verdict="approved" if answer.approved else "rejected",
            who=answer.who,
            at=answer.at,
            reason=answer.reason,
            overridden=answer.overridden,
        ),
    )


def as_approval(entry: ApprovalEntry | None) -> Approval | None:
    """Return the part of the record that an approval becomes; None where the gate alone decides."""
    if entry is None:
        return None
    return Approval(who=entry.who, at=entry.at, reason=entry.reason, overridden=entry.overridden)


def last_night(entries: Sequence[Entry], run_name: str) -> NightEntry | None:
    """Return what came of a run by its newest entry."""
    nights = [entry for entry in entries if isinstance(entry, NightEntry) and entry.run_name == run_name]
    return nights[-1] if nights else None


def rejection(entry: ApprovalEntry) -> str:
    """Return a rejection in words: who, when, why."""
    return f"rejected by {entry.who} on {entry.at:%Y-%m-%d %H:%M} UTC: {entry.reason}"


def objections(decision: PromotionDecision, standing: ApprovalEntry | None, champion: int | None) -> tuple[str, ...]:
    """Return the objections to promoting a run by hand; an override sets them aside.

    Raises:
        InvalidInput: a rule that no override sets aside has failed.
    """
    final = [rule for rule in decision.rules if rule.name in NEVER_OVERRIDDEN and not rule.passed]
    if final:
        raise InvalidInput(
            f"{final[0].name} refused the run: observed {final[0].observed}, needed {final[0].threshold}. No override "
            f"sets that aside, for its scores mean nothing. Fix the cause and start a run of another as-of."
        )
    found = []
    if not decision.promotes:
        found.append(f"the gate refused it: {decision.reason}")
    if standing is not None and standing.verdict == "rejected":
        found.append(rejection(standing))
    if champion != decision.champion_version:
        found.append(f"the gate compared it with champion {decision.champion_version}, and the champion is {champion}")
    return tuple(found)
