"""The shadow as records and the ledger keep it: whose model it is, how long it has stayed, and what that has shown."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import AwareDatetime, Field

from pipeline.records.evidence import Evidence, log_e_value
from pipeline.records.findings import RuleVerdict
from pipeline.records.part import Part, Sha256

ShadowStanding = Literal["stays", "better", "worse", "tenure_over", "overtaken", "unusable"]
# free: nobody had the place; early: it took it from a shadow whose tenure was not over, and that night counts nothing.
Beginning = Literal["free", "early"]
BECAME: dict[ShadowStanding, str] = {
    "stays": "stays",
    "better": "has the evidence that a promotion needs",
    "worse": "goes: it is provably worse than the champion",
    "tenure_over": "goes: its time is over",
    "overtaken": "goes: a later model takes its place",
    "unusable": "goes: it cannot be scored any more",
}


class ShadowState(Part):
    """The shadow after a night: `nights` of its tenure, that night included, and the evidence of those that counted.

    No edge that was first seen by `counted_until` counts for it again. `level` is how small the p-value of its evidence
    has to be.
    """

    run_name: str  # of the night that trained it
    run_key: Sha256
    as_of: AwareDatetime
    begins: Beginning | None = None  # None: it had the place before the night
    nights: int = Field(ge=1)
    evidence: Evidence
    counted_until: AwareDatetime
    level: float = Field(gt=0, lt=1)
    standing: ShadowStanding

    @property
    def gone(self) -> bool:
        """Whether the place is free after the night, as far as the evidence says; a promotion frees it too."""
        return self.standing not in ("stays", "better")

    @property
    def share(self) -> float:
        """How much of the evidence that is needed is there, from 0 to 1: by the logarithm of its p-value."""
        found = log_e_value(self.evidence.total, self.evidence.edges)
        return min(max(found, 0.0) / -math.log(self.level), 1.0)

    def in_words(self) -> str:
        """Return the shadow in words: whose model, how long, what it has gained, and how much of the evidence."""
        nights = "1 night" if self.nights == 1 else f"{self.nights} nights"
        gained = (
            f"mrr {self.evidence.gain:+.4f} so far on {self.evidence.edges} edges"
            if self.evidence.edges
            else "nothing counted yet"
        )
        return (
            f"the model of the night of {self.as_of:%Y-%m-%d %H:%M}, {nights}, {gained}, evidence {self.share:.0%} of "
            f"what is needed"
        )


class ShadowVerdict(ShadowState):
    """What a night decides of a shadow; `rules` are the gate's where its evidence suffices, on that night's edges.

    `promote`: the night makes it champion, in place of its own challenger. `note` says why nothing counted, or why it
    cannot be scored any more.
    """

    promote: bool = False
    note: str = ""
    rules: tuple[RuleVerdict, ...] = ()

    @property
    def state(self) -> ShadowState:
        """What the ledger keeps of it."""
        return ShadowState(**{name: getattr(self, name) for name in ShadowState.model_fields})


class ShadowPromotion(Part):
    """Why a run that was not promoted on its own night became champion later: the evidence of the nights since.

    `decision_sha256` is that of the promoting night's decision, `code_version` that of the code which registered it.
    """

    decided_by: str  # the run of the promoting night
    decision_sha256: Sha256
    champion_version: int
    shadow: ShadowState
    code_version: Sha256

    def in_words(self) -> str:
        """Return it as the ledger and the card tell it."""
        return (
            f"promoted by the evidence of {self.shadow.evidence.nights} nights beside champion "
            f"{self.champion_version}, as run {self.decided_by} decided: {self.shadow.in_words()}"
        )
