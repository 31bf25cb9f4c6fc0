from __future__ import annotations

from pipeline.doors import Doors


def test_a_search_is_one_run_and_a_trial_entered_twice_is_one_below_it(doors: Doors, graph: str) -> None:
    registry = doors.registry
    search = registry.tuning.open_search(graph, "study-1", "demo-1")
    assert registry.tuning.open_search(graph, "study-1", "demo-1") == search
    assert registry.tuning.open_search(graph, "study-2", "demo-1") != search
    for outcome in ("pruned", "completed"):  # a kill came between the entry and the study's own
        registry.tuning.log_trial(
            graph, search, "study-1", 0, params={"model.beta": 1.5}, history=[(1, 0.2), (2, 0.4)], outcome=outcome
        )
    registry.tuning.close_search(search, best=0.4, trials=1)

    client = registry.server.client
    experiment = client.get_experiment_by_name(graph).experiment_id
    (trial,) = client.search_runs([experiment], "tags.`ncnc.trial` = '0'")
    assert trial.data.tags["mlflow.parentRunId"] == search
    assert (trial.data.tags["ncnc.outcome"], trial.data.params["model.beta"]) == ("completed", "1.5")
    assert [point.value for point in client.get_metric_history(trial.info.run_id, "valid")] == [0.2, 0.4]
    ended = client.get_run(search)
    assert (ended.info.status, ended.data.metrics) == ("FINISHED", {"trials": 1.0, "best_valid": 0.4})
