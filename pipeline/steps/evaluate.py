"""Score challenger, champion and floor on the same fresh pairs."""

from __future__ import annotations

import logging

from pipeline.doors import Doors
from pipeline.evaluation.night_evaluation import evaluate_night
from pipeline.evaluation.trained_night import TrainedNight
from pipeline.ledger.shadows import place_of
from pipeline.params.params import Params
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.measures import figures
from pipeline.runs import compute
from pipeline.runs.folder import RunFolder

logger = logging.getLogger(__name__)


def run(folder: RunFolder, params: Params, *, doors: Doors) -> EvaluationRecord:
    """Evaluate the run's model, log every figure to MLflow, and leave the record."""
    if (done := folder.find(EvaluationRecord)) is not None:
        return done
    night = TrainedNight.read(folder, doors)
    compute.use(params.resources)
    place = None
    if params.decide.evidence == "accumulated":
        place = place_of(doors.ledger.entries(folder.graph), folder.name)
    evaluation = evaluate_night(night, params, doors, place=place)
    if (cost := evaluation.drift) is not None:
        logger.info("challenger minus cold-start control in mrr: %+.4f [%+.4f, %+.4f]", cost.value, cost.low, cost.high)
    doors.registry.runs.log_metrics(night.trained.mlflow_run_id, figures(evaluation))
    folder.put(evaluation)
    return evaluation
