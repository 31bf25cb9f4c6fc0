"""The shadow: the one earlier challenger that is scored every night beside the champion, until its evidence decides."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.ledger.shadows import YEAR
from pipeline.records.evidence import Evidence
from pipeline.records.shadow import ShadowStanding


@dataclass(frozen=True)
class ShadowRule:
    """How long a shadow stays, and how the chance of a wrong promotion in a year is shared out.

    A promotion of a model that is no better than the champion comes about in `YEAR` nights with probability alpha at
    most. The shadows of a year share alpha equally: one that stands when it begins, those that begin in it, of which
    there are so few because a place is not given anew before the minimum tenure is over, and as many again that may
    take the place early. A large gain has no need to wait for the place.
    """

    alpha: float = 0.025
    minimum_tenure: int = 60  # nights
    maximum_tenure: int = 120
    early_level: float = 0.001  # p-value of tonight's model over the shadow; equal ones reach it once in three years

    @property
    def early_a_year(self) -> int:
        """How many shadows may take the place early in any year."""
        return math.ceil(YEAR / self.minimum_tenure) + 1

    @property
    def shadows_a_year(self) -> int:
        """How many shadows a year sees at most."""
        return 2 * self.early_a_year

    @property
    def level(self) -> float:
        """How small a shadow's p-value has to be, whenever it is looked at."""
        return self.alpha / self.shadows_a_year

    def standing(self, evidence: Evidence, *, nights: int, overtaken: bool) -> ShadowStanding:
        """Return what becomes of a shadow after so many nights, the first of them included.

        `overtaken`: tonight's model is better on validation. It counts only after the minimum tenure, for otherwise no
        shadow would stay long enough to show anything.
        """
        if evidence.p_better <= self.level:
            return "better"
        if evidence.p_worse <= self.level:
            return "worse"
        if nights >= self.maximum_tenure:
            return "tenure_over"
        return "overtaken" if overtaken and nights >= self.minimum_tenure else "stays"

    def place_is_free(self, nights_since_the_last_began: int | None, *, last_was_promoted: bool) -> bool:
        """Say whether tonight's model may become the shadow, where none stands.

        A promoted shadow has used up nothing: if it was no better, the year is wrong already, and if it was, its
        promotion was none of the wrong ones. Any other that ended early keeps the place until its tenure would be over.
        """
        if nights_since_the_last_began is None or last_was_promoted:
            return True
        return nights_since_the_last_began >= self.minimum_tenure

    def may_take_early(self, p_over_the_shadow: float, *, early_in_the_last_year: int) -> bool:
        """Say whether tonight's model takes the place of a shadow whose tenure is not over.

        It was chosen by tonight's edges, so that its own evidence begins with the next night's.
        """
        return p_over_the_shadow <= self.early_level and early_in_the_last_year < self.early_a_year
