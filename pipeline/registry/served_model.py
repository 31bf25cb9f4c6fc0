"""The model as MLflow serves it; this file is copied into the model and run where it is loaded.

It may import only what the model carries (ncnc_core) and what its requirements name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from ncnc_core.link_model import LinkModel
from ncnc_core.scored_table import answered

ARTIFACT = "link_model"


class ServedModel(PythonModel):
    """Pairs of node ids in, the same pairs with a score out, row for row; a higher score is a likelier edge.

    With the parameter `task`: "recommend" answers the best partners of each source, "explain" the parts of each score.
    """

    # MLflow looks for a parameter named exactly `context`.
    def load_context(self, context: PythonModelContext) -> None:
        """Load the network, its graph and its id map from the model's own files."""
        self._model = LinkModel.load(Path(context.artifacts[ARTIFACT]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return what `ncnc_core.scored_table.answered` says of the input.

        Args:
            context: unused; MLflow passes it.
            model_input: the columns source and target, node ids of the type the graph has; to recommend, source alone.
            params: those of the signature, see `ncnc_core.scored_table.DEFAULTS`.

        Raises:
            InvalidGraph: a column is missing, a row cannot be scored, or a parameter has no such value.
        """
        answer = answered(self._model, model_input, params)
        # What is missing is null in JSON: a server would write NaN, which most readers refuse.
        gaps = [str(name) for name in answer if answer[name].isna().any()]
        return answer.assign(**{name: answer[name].astype(object).where(answer[name].notna(), None) for name in gaps})


set_model(ServedModel())
