"""The closed choices that parameters name: metrics, heuristics, negatives, changes of a graph. Loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

METRIC_NAME = r"^(mrr|auc|average_precision|hits@[1-9][0-9]*)$"
SelectionMetric = Annotated[str, Field(pattern=METRIC_NAME)]
HeuristicName = Literal["common_neighbors", "adamic_adar", "resource_allocation", "preferential_attachment"]
HEURISTIC_NAMES: tuple[HeuristicName, ...] = get_args(HeuristicName)
RecencyName = Literal[  # heuristics that read when edges came
    "recent_preferential_attachment", "recent_common_neighbors", "recent_popularity", "last_activity"
]
RECENCY_NAMES: tuple[RecencyName, ...] = get_args(RecencyName)
DrawnNegative = Literal["uniform", "degree_matched"]  # needs no graph to be drawn
EvaluationNegative = Literal["uniform", "degree_matched", "hard", "historical"]
# given: from the files of a fixed split
USUAL_NEGATIVES: tuple[EvaluationNegative, ...] = (
    "uniform",
    "degree_matched",
)  # what is ranked against, in equal shares
RecordedNegative = Literal["uniform", "degree_matched", "hard", "historical", "given"]
GraphChange = Literal["remove", "add"]
