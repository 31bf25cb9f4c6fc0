from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.doors import Doors
from pipeline.errors import InvalidInput
from pipeline.evaluation.trained_night import TrainedNight
from pipeline.records.chain import TrainedModel
from pipeline.runs.folder import RunFolder


def test_a_run_that_has_trained_nothing_yet_is_no_trained_night(
    make_decided_run: Callable[..., RunFolder], doors: Doors, graph: str
) -> None:
    folder = RunFolder(make_decided_run(doors, graph).path)
    (folder.path / TrainedModel.file_name).unlink()
    with pytest.raises(InvalidInput, match=r"has no trained_model.json, here or in MLflow. Run the step before"):
        TrainedNight.read(folder, doors)
