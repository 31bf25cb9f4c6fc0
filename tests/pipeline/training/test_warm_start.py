"""Two nights of a small house, the second beginning with the champion's weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import yaml

from ncnc_core.link_model import LinkModel
from ncnc_core.random_spatial_network import NetworkDay
from pipeline.evaluation.certificate import unseen_by_source
from pipeline.evaluation.compared_models import ComparedModels
from pipeline.evaluation.comparison import FreshPairs
from pipeline.ledger.alias_history import Move
from pipeline.params.params import Params
from pipeline.records.chain import EdgeSplit, GraphSnapshot, TrainedModel
from pipeline.records.evaluation import EvaluationRecord
from pipeline.runs.data import snapshot_tables, split_arrays
from pipeline.runs.folder import RunFolder
from pipeline.splits.certificate import edge_history
from pipeline.splits.known_features import features_for
from pipeline.training.night_training import training_data
from pipeline.training.warm_start import start_of
from tests.fixtures.house import House


def begin_warm(house: House) -> None:
    content = yaml.safe_load(house.params_file.read_text())
    content["train"]["warm_start"] = "champion"
    content["train"]["training"]["epochs"] = 3
    house.params_file.write_text(yaml.safe_dump(content))


@pytest.mark.slow
def test_the_second_night_begins_with_the_champions_weights_and_a_control_shows_the_drift(
    house: House, days: list[NetworkDay]
) -> None:
    begin_warm(house)
    house.deliver(1, days[0])
    assert house.night(1) == [0] * 6
    first = RunFolder(house.run_dir(1)).get(TrainedModel)
    assert (first.warm_start, first.control) == (None, ())
    assert first.start_note == "there is no champion to begin with"

    house.deliver(2, days[1])
    assert [house.step(name, 2) for name in ("snapshot", "split", "train", "evaluate")] == [0] * 4
    folder, doors = RunFolder(house.run_dir(2), house.doors.registry), house.doors
    second, evaluation = folder.get(TrainedModel), folder.get(EvaluationRecord)
    warm = second.warm_start
    assert warm is not None
    assert (warm.version, warm.files, warm.as_of) == (1, first.files, house.as_of(1))
    tables = snapshot_tables(folder, doors)
    assert (warm.known_nodes, warm.new_nodes) == (len(days[0].node_ids), tables.num_nodes - len(days[0].node_ids))
    assert warm.valid_edges_seen > 0  # the champion was chosen on edges that are validation's tonight
    learnt, arrays = warm.valid_edges_trained_on, split_arrays(folder, doors)
    first_train = split_arrays(RunFolder(house.run_dir(1)), doors).train
    trained_on = {frozenset(pair) for pair in first_train.T.tolist()}
    assert learnt == sum(frozenset(pair) in trained_on for pair in arrays.valid.T.tolist())

    # Nobody trained on the test edges, and the control is another model on the same pairs.
    named = {item.name: item for item in evaluation.certificate}
    assert named["fresh_edges_not_seen_by_warm_start"].checked == evaluation.num_test_edges
    assert named["fresh_edges_not_seen_by_warm_start"].passed
    assert evaluation.cold_control is not None
    assert evaluation.drift is not None
    difference = evaluation.challenger.metrics["mrr"].value - evaluation.cold_control.metrics["mrr"].value
    assert evaluation.drift.value == pytest.approx(difference)
    metrics = doors.registry.server.client.get_run(second.mlflow_run_id).data.metrics
    assert {"control_loss", "drift", "cold_control_mrr"} <= metrics.keys()
    control, model = (LinkModel.load(house.run_dir(2) / name) for name in ("control", "model"))
    assert not torch.equal(*(next(iter(one.network.state_dict().values())) for one in (control, model)))

    # A retry chooses the same version, whoever is champion by then.
    doors.aliases.move("champion", None, Move(house.graph, "a test", "it was bad", house.as_of(2)))
    params = Params.load(house.params_file)
    data = training_data(tables, arrays, features_for(tables, folder.get(EdgeSplit), "training"))
    history = edge_history(tables)
    again = start_of(folder, params.train, tables, data, history, doors)
    assert again.source == warm

    # The fault planted: validation edges that the champion learnt from are counted, in whichever direction they stand.
    known = torch.cat([data.valid_edges, first_train[:, :3].flip(0)], 1)
    leaking = start_of(folder, params.train, tables, replace(data, valid_edges=known), history, doors)
    assert leaking.source is not None
    assert leaking.source.valid_edges_trained_on == learnt + 3

    # Another architecture is a cold start with its reason, and no red night.
    wider = params.train.model_copy(update={"model": params.train.model.model_copy(update={"hidden_channels": 24})})
    cold = start_of(folder, wider, tables, data, history, doors)
    assert cold.weights is None
    assert "version 1 does not fit: The weights are of another architecture" in cold.note

    # A night caught up on would begin with what it must not know yet.
    late = GraphSnapshot.model_validate(folder.get(GraphSnapshot).model_dump() | {"as_of": warm.as_of})
    past = RunFolder(house.folder / "past" / folder.name, house.doors.registry)
    past.path.mkdir(parents=True)
    late.write(past.path)
    caught_up = start_of(past, params.train, tables, data, history, doors)
    assert caught_up.weights is None
    assert "version 1 has seen the graph up to 2026-01-01 03:00, and this is the night of" in caught_up.note

    # The fault planted: an edge that the source trained on among the fresh ones.
    known = torch.cat([arrays.train[:, :1], arrays.test], 1)
    pairs = FreshPairs(known, known, torch.zeros(known.shape[1]), known.shape[1], 0, "")
    (caught,) = unseen_by_source(pairs, history, warm, tables, folder, doors)
    assert caught.violations >= 1
    assert unseen_by_source(pairs, history, None, tables, folder, doors) == ()
    compared = [ComparedModels(model, None, None, one.warm_start) for one in (first, second)]
    assert [models.seen_until for models in compared] == [None, warm.as_of]
