"""The audit of a promotion by evidence: each night's comparison by its digest, and the evidence added up anew."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from pipeline.audit.findings import AuditFindings
from pipeline.errors import TamperedRecord
from pipeline.ledger.entries import Entry, ShadowEvidence
from pipeline.records.chain import PromotionDecision, RegisteredModel
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.evidence import Evidence
from pipeline.records.shadow import ShadowPromotion
from pipeline.records.shadow_evidence import evidence_after, first_evidence

AS_RECORDED = "as recorded"


def check_evidence(walk: AuditFindings) -> None:
    """Check why a version was promoted by a later night than its own; nothing where its own night did.

    The ledger names each night's evaluation by its digest. Of these the evidence is computed again, night by night, and
    compared with what the ledger, the promoting night's decision and the version's record say.
    """
    registered = walk.record(RegisteredModel)
    if registered is None or registered.evidence is None:
        return
    evidence = registered.evidence
    walk.attempt("decision of the promoting night", "readable", lambda: _decision(walk, evidence))
    walk.attempt("evidence of the nights", AS_RECORDED, lambda: _nights(walk, evidence))


def _decision(walk: AuditFindings, evidence: ShadowPromotion) -> None:
    run_id = walk.doors.registry.runs.find(walk.version.name, evidence.decided_by)
    found = walk.doors.registry.runs.get_record(run_id, PromotionDecision) if run_id else None
    walk.check("decision of the promoting night", evidence.decision_sha256, found.sha256 if found else None)
    decided = found.promoted_shadow if found else None
    walk.check("shadow of that decision", evidence.shadow, decided.state if decided else None)
    walk.check("champion of that decision", evidence.champion_version, found.champion_version if found else None)


def _nights(walk: AuditFindings, evidence: ShadowPromotion) -> None:
    entries = tenure(walk.doors.ledger.entries(walk.version.name), walk.version.run_name, evidence.decided_by)
    wrong = list(_faults(walk, entries))
    if not entries or entries[-1].shadow != evidence.shadow:
        wrong.append("the ledger does not end with what the version's record says")
    if evidence.shadow.evidence.p_better > evidence.shadow.level:
        wrong.append("it does not suffice")
    what = f"evidence of {len(entries)} nights"
    walk.check(what, AS_RECORDED, "; ".join(wrong) or AS_RECORDED)


def tenure(entries: Sequence[Entry], run_name: str, until: str) -> tuple[ShadowEvidence, ...]:
    """Return the evidence of one shadow from its first night to the one that promoted it."""
    own = [entry for entry in entries if isinstance(entry, ShadowEvidence) and entry.shadow.run_name == run_name]
    names = [entry.run_name for entry in own]
    return tuple(own[: names.index(until) + 1] if until in names else own)


def _agree(one: Evidence, other: Evidence) -> bool:
    """Return whether two are the same; another machine's normal quantiles may differ in their last digits."""
    if (one.nights, one.edges) != (other.nights, other.edges):
        return False
    pairs = ((one.total, other.total), (one.gain, other.gain))
    return all(math.isclose(*pair, rel_tol=1e-9, abs_tol=1e-12) for pair in pairs)


def _faults(walk: AuditFindings, entries: Sequence[ShadowEvidence]) -> Iterator[str]:
    """Give what differs, night by night."""
    so_far, until = Evidence(), datetime.min.replace(tzinfo=UTC)
    for entry in entries:
        try:
            found = _evaluation(walk, entry)
        except TamperedRecord as error:
            yield str(error)
            return
        if found is None or found.sha256 != entry.report_sha256:
            observed = found.sha256[:12] if found else "gone"
            yield f"the evaluation of {entry.run_name} is {observed}, the ledger has {entry.report_sha256[:12]}"
            return
        before = found.shadow_place.shadow if found.shadow_place else None
        if entry.shadow.begins is not None:
            made = first_evidence(found) if entry.shadow.begins == "free" else Evidence()
        elif before is None or (before.before.evidence, before.before.counted_until) != (so_far, until):
            yield f"the evaluation of {entry.run_name} does not go on from the night before"
            return
        else:
            made = evidence_after(found, before)
        if not _agree(made, entry.shadow.evidence):
            yield f"after {entry.run_name} it is {made}, the ledger has {entry.shadow.evidence}"
        so_far, until = entry.shadow.evidence, entry.shadow.counted_until


def _evaluation(walk: AuditFindings, entry: ShadowEvidence) -> EvaluationRecord | None:
    run_id = walk.doors.registry.runs.find(walk.version.name, entry.run_name)
    return walk.doors.registry.runs.get_record(run_id, EvaluationRecord) if run_id else None
