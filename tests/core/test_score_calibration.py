from __future__ import annotations

import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.score_calibration import ScoreCalibration


def test_a_prior_moves_the_probability_as_bayes_has_it() -> None:
    calibration = ScoreCalibration(2.0, -1.0)
    even = calibration.probability(torch.tensor([0.5, 1.0]))
    assert even.tolist() == pytest.approx([0.5, torch.sigmoid(torch.tensor(1.0)).item()])
    rare = calibration.probability(torch.tensor([0.5]), prior=0.01)
    assert rare.item() == pytest.approx(0.01)
    with pytest.raises(InvalidGraph, match=r"between 0 and 1, but it is 1\.0\. Give the share"):
        calibration.probability(torch.tensor([0.5]), prior=1.0)
