from __future__ import annotations

from typing import cast

import pytest
import yaml

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.evaluation.trained_night import TrainedNight
from pipeline.graphs.tables import GraphTables
from pipeline.records.chain import PromotionDecision, TrainedModel
from pipeline.records.evaluation import AnchorScores, EvaluationRecord
from pipeline.registry.facts import ModelVersion
from pipeline.runs.anchor import anchor_of
from pipeline.runs.folder import RunFolder
from pipeline.runs.incumbent import Incumbent, incumbent
from tests.fixtures.gate_evaluations import evaluation
from tests.fixtures.house import FIRST_NIGHT, House
from tests.fixtures.paired import paired


@pytest.mark.slow
def test_nights_that_may_lose_a_margin_are_all_held_against_the_last_that_gained(
    house: House, days: list[NetworkDay]
) -> None:
    values = yaml.safe_load(house.params_file.read_text())
    values["decide"] |= {"mode": "non_inferiority", "margin": 0.9, "guarded_slices": []}
    values["decide"]["floor"] = ["preferential_attachment"]
    found = []
    for night, epochs in ((1, 12), (2, 4), (3, 4)):
        values["train"]["training"]["epochs"] = epochs
        house.params_file.write_text(yaml.safe_dump(values))
        house.deliver(night, days[night - 1])
        assert house.night(night)[:5] == [0] * 5  # the last may be kept
        found.append(RunFolder(house.run_dir(night)).get(EvaluationRecord))
    assert [one.champion.version if one.champion else None for one in found] == [None, 1, 2]
    assert [one.anchor.version if one.anchor else None for one in found] == [None, 1, 1]
    last = found[-1]
    assert last.anchor is not None
    assert last.anchor.scores in last.scorers
    assert last.anchor.paired is not None
    of_anchor, own = (one.metrics["mrr"].value for one in last.scorers if one.name in ("anchor", "challenger")[::-1])
    assert abs(of_anchor - own) == pytest.approx(abs(last.anchor.paired.difference.value))
    assert "fresh_edges_not_seen_by_anchor" in {item.name for item in last.certificate if item.passed}
    assert RunFolder(house.run_dir(3)).get(PromotionDecision).rules[-1].name == "non_inferiority_over_anchor"

    night_3 = TrainedNight.read(RunFolder(house.run_dir(3), house.doors.registry), house.doors)
    champion = incumbent(night_3.folder, night_3.trained, night_3.tables, house.doors)
    assert champion is not None
    anchor = anchor_of(champion, night_3.folder, night_3.trained, night_3.tables, house.doors)
    assert anchor.incumbent is not None
    assert anchor.incumbent.model is not None
    assert (anchor.version, anchor.incumbent.version.version) == (1, 1)


@pytest.mark.parametrize(
    ("told", "version", "note"),
    [
        (None, 5, ""),  # its night was of another mode
        (AnchorScores(version=9, paired=paired(0.05, 0.01, 0.09)), 5, ""),  # it was shown to be better
        (AnchorScores(version=5, paired=paired(0.05, -0.01, 0.11)), 5, ""),
        (
            AnchorScores(version=9, paired=paired(0.05, -0.01, 0.11)),
            9,
            "The registry has no version 9 of 'small'. `ncnc registry show` lists them.",
        ),
        (AnchorScores(version=9, note="it could not be scored"), 9, "The registry has no version 9"),
    ],
)
def test_the_champion_is_its_own_anchor_unless_its_night_names_another(
    house: House, told: AnchorScores | None, version: int, note: str
) -> None:
    runs, folder = house.doors.registry.runs, RunFolder(house.run_dir(1), house.doors.registry)
    run_id = runs.open("small", folder.name, run_key="3" * 64, params={})
    runs.put_record(run_id, evaluation(anchor=told))
    champion = Incumbent(
        ModelVersion("small", 5, run_id, "model", "5" * 64, folder.name, FIRST_NIGHT, (), {}), None, "of no matter"
    )
    nothing = cast(TrainedModel, None), cast(GraphTables, None)  # read only where another version is fetched
    found = anchor_of(champion, folder, *nothing, house.doors)
    assert (found.version, found.incumbent is champion) == (version, version == 5)
    assert found.note.startswith(note)
