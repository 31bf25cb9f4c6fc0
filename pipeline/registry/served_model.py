"""The model as MLflow serves it; this file is copied into the model and run where it is loaded.

It may import only what the model carries (ncnc_core) and what its requirements name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from ncnc_core.errors import InvalidGraph
from ncnc_core.link_model import LinkModel
from ncnc_core.scored_table import answered

ARTIFACT = "link_model"


class RefusedRequest(MlflowException, InvalidGraph):
    """What the model refuses, as a model server must be told: only of MLflow's own error does it show the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, error_code=BAD_REQUEST)


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
            model_input: a table with the columns source and target, node ids; to recommend, source alone. A server
                makes a DataFrame of some forms of a request, of others columns by name or a list of rows, which are
                read too (MLflow warns of a type that says so).
            params: those of the signature, see `ncnc_core.scored_table.DEFAULTS`.

        Raises:
            RefusedRequest: a column is missing, a row cannot be scored, or a parameter has no such value.
        """
        try:
            answer = answered(self._model, model_input, params)
        except InvalidGraph as error:
            raise RefusedRequest(str(error)) from error
        # What is missing is null in JSON: a server would write NaN, which most readers refuse.
        gaps = [str(name) for name in answer if answer[name].isna().any()]
        return answer.assign(**{name: answer[name].astype(object).where(answer[name].notna(), None) for name in gaps})


set_model(ServedModel())
