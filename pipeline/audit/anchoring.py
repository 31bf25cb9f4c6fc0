"""Anchoring a version that was promoted before the ledger kept lineage digests: what is trusted, and its entry."""

from __future__ import annotations

from pathlib import Path

from pipeline.audit.audit import audit_model
from pipeline.audit.findings import ANCHOR, LINEAGE_TAG
from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NothingToDo, TamperedRecord
from pipeline.ledger.alias_history import anchoring, champions, collected_versions, lineages
from pipeline.ledger.entries import AnchorEntry


def without_anchor(name: str, doors: Doors) -> tuple[int, ...]:
    """Return the versions that were champion, are not collected, and have no lineage digest in the ledger."""
    entries = doors.ledger.entries(name)
    return tuple(sorted(set(champions(entries)) - collected_versions(entries) - lineages(entries).keys()))


def anchor_version(name: str, number: int, *, who: str, reason: str, doors: Doors, work_folder: Path) -> AnchorEntry:
    """Enter in the ledger the lineage digest that MLflow has of a version today, after an audit that starts there.

    The audit shows that records and bytes agree with each other. That nobody changed all of them together before today
    is what the person who anchors trusts.

    Raises:
        NothingToDo: the ledger has a lineage digest of the version.
        TamperedRecord: something of the version does not agree; nothing is entered.
        InvalidInput: there is no such version, or it has no lineage record.
    """
    version = doors.registry.versions.get(name, number)
    if (known := lineages(doors.ledger.entries(name)).get(number)) is not None:
        raise NothingToDo(f"Version {number} of {name} is anchored already: the ledger has lineage {known[0][:12]}.")
    digest = version.tags.get(LINEAGE_TAG)
    if digest is None:
        raise InvalidInput(
            f"Version {number} of {name} has no lineage record, so its registration was cut off. Run "
            f"`ncnc register --run-dir <runs>/{version.run_name}` again."
        )
    doors.aliases.expect_agreement(name)
    result = audit_model(name, number, doors=doors, work_folder=work_folder)
    wrong = [f"{check.what} ({check.observed})" for check in result.faults if check.what != ANCHOR]
    if wrong:
        raise TamperedRecord(
            f"Version {number} of {name} is not anchored, for {len(wrong)} of {len(result.checks)} checks fail: "
            f"{', '.join(wrong)}. Restore those bytes from a backup, and anchor it then."
        )
    entry = AnchorEntry(
        graph=name,
        version=number,
        lineage_sha256=digest,
        checks=len(result.checks) - 1,
        at=doors.clock(),
        who=who,
        reason=reason,
    )
    doors.ledger.append_made(name, lambda entries: anchoring(entries, entry))
    return entry
