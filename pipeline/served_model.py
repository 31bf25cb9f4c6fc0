"""The model as MLflow serves it; this file is copied into the model and run where it is loaded.

It may import only what the model carries (ncnc_core) and what its requirements name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from ncnc_core.errors import InvalidGraph
from ncnc_core.link_model import LinkModel

ARTIFACT = "link_model"


class ServedModel(PythonModel):
    """Pairs of node ids in, the same pairs with a score out, row for row; a higher score is a likelier edge."""

    # MLflow looks for a parameter named exactly `context`.
    def load_context(self, context: PythonModelContext) -> None:
        """Load the network, its graph and its id map from the model's own files."""
        self._model = LinkModel.load(Path(context.artifacts[ARTIFACT]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return the input's source and target with their score, float32.

        Args:
            context: unused; MLflow passes it.
            model_input: the columns source and target, node ids of the type the graph has.
            params: none yet; reserved for recommending and explaining.

        Raises:
            InvalidGraph: a column is missing, or a node is not in the model's graph.
        """
        missing = [name for name in ("source", "target") if name not in model_input]
        if missing:
            raise InvalidGraph(
                f"The input has no column {missing[0]!r}, only {list(model_input.columns)}. "
                f"Pass a DataFrame with the columns source and target."
            )
        pairs = model_input[["source", "target"]].reset_index(drop=True)
        scores = self._model.score_ids(pairs["source"].tolist(), pairs["target"].tolist())
        return pairs.assign(score=scores.numpy(force=True).astype("float32"))


set_model(ServedModel())
