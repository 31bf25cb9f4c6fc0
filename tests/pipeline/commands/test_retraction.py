from mlflow.tracking import MlflowClient

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.ledger.night import ended_night
from pipeline.records.chain import GraphSnapshot
from pipeline.registry.facts import version_tags
from pipeline.report.index_publishing import publish_index
from tests.fixtures.house import House


def ingested(house: House, day: NetworkDay, night: int) -> str:
    house.deliver(night, day)
    argv = ("--as-of", house.as_of(night).isoformat(), "--params", str(house.params_file))
    code, line = house.call("snapshots", "ingest", *argv)
    assert code == 0
    return str(line["tag"])


def test_a_night_of_a_mistyped_year_is_retracted_and_the_real_night_runs(house: House, days: list[NetworkDay]) -> None:
    good = ingested(house, days[0], 1)
    house.values["NCNC_SIMULATED_TIME"] = "1"
    mistyped = ingested(house, days[1], 13_300)
    del house.values["NCNC_SIMULATED_TIME"]
    house.deliver(2, days[1])
    assert house.step("snapshot", 2) == 2  # before the newest

    assert house.call("snapshots", "retract", good, "--reason", "x")[0] == 2
    index = publish_index(house.doors, "small").page
    index.write_text("of before")
    code, line = house.call("snapshots", "retract", mistyped, "--reason", "a mistyped year")
    assert (code, line["tag"], line["reason"], line["referred"]) == (0, mistyped, "a mistyped year", "by nobody")
    assert index.read_text() != "of before"
    assert house.call("snapshots", "list", "small")[1]["retracted"] is True
    assert house.call("snapshots", "show", mistyped)[1]["retracted"]["reason"] == "a mistyped year"  # type: ignore[index]
    assert house.call("snapshots", "show", good)[1]["retracted"] is None
    assert house.step("snapshot", 2) == 0
    assert [item.previous_tag for item in house.doors.snapshots.list("small")] == [None, good]


def test_a_champion_made_from_a_retracted_snapshot_is_named(house: House, days: list[NetworkDay]) -> None:
    tag, client = ingested(house, days[0], 1), MlflowClient(house.values["MLFLOW_TRACKING_URI"])
    said = version_tags(run_key="3" * 64, run_name="small-x", as_of=house.as_of(1), snapshot_tag=tag, files=())
    run = client.create_run(client.create_experiment("elsewhere"))
    client.create_registered_model("small")
    client.create_model_version(
        "small", source="file:///x", run_id=run.info.run_id, tags={**said, "ncnc.model_id": "m-1"}
    )
    client.set_registered_model_alias("small", "champion", "1")
    assert house.call("status", "--graph", "small")[1]["retracted"] is None
    line = house.call("snapshots", "retract", tag, "--reason", "half of the rows")[1]
    assert line["referred"] == "version 1 (champion) was made from it"
    assert house.call("status", "--graph", "small")[1]["retracted"] == "half of the rows"
    told = house.call("registry", "doctor", "--graph", "small")[1]["disagreements"]
    assert not [what for what in told if "which the data repository does not have" in what]  # type: ignore[attr-defined]


def test_the_graph_of_a_retracted_night_runs_again_under_its_right_as_of_and_the_night_itself_does_not(
    house: House, days: list[NetworkDay]
) -> None:
    house.deliver(9, days[0])
    assert house.step("snapshot", 9) == 0
    record = GraphSnapshot.read(house.run_dir(9))
    house.doors.ledger.append(ended_night(record, "kept", "no gain", at=house.as_of(9)))
    assert house.call("snapshots", "retract", record.tag, "--reason", "a mistyped day")[0] == 0
    assert house.step("snapshot", 9) == 2
    house.deliver(8, days[0])
    assert house.step("snapshot", 8) == 0
