"""The kinds of negatives by name, apart from what draws them: reading parameters must not load torch."""

from __future__ import annotations

from typing import Literal

NegativeKind = Literal["uniform", "degree_matched"]
EvaluationNegative = Literal["uniform", "degree_matched", "hard"]
