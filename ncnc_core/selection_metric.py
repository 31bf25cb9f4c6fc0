"""The metric that chooses the epoch, by name, apart from what measures it: reading parameters must not load torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

METRIC_NAME = r"^(mrr|auc|average_precision|hits@[1-9][0-9]*)$"
SelectionMetric = Annotated[str, Field(pattern=METRIC_NAME)]
