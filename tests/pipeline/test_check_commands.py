import yaml

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.cli import app
from tests.house import House


def check(house: House, night: int) -> tuple[int, dict[str, object]]:
    return house.call(
        "snapshots", "check", "--as-of", house.as_of(night).isoformat(), "--params", str(house.params_file)
    )


def published(house: House) -> int:
    return len(house.doors.snapshots.list(house.graph))


def test_check_reports_and_publishes_nothing(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    code, line = check(house, 1)
    assert (code, line) == (0, {"graph": "small", "refused": False, "warnings": []})
    assert published(house) == 0
    assert house.entries() == []
    assert house.step("snapshot", 1) == 0
    house.deliver(2, days[1], keep=0.35)
    code, line = check(house, 2)
    assert (code, line["refused"]) == (2, True)
    assert published(house) == 1
    assert house.entries() == []
    assert not house.run_dir(2).exists()


def test_table_and_changes_are_shown_on_standard_error(house: House, days: list[NetworkDay]) -> None:
    house.deliver(1, days[0])
    assert house.step("snapshot", 1) == 0
    house.deliver(2, days[1])
    argv = ["snapshots", "check", "--as-of", house.as_of(2).isoformat(), "--params", str(house.params_file)]
    shown = house.runner.invoke(app, argv, env=house.values).stderr
    assert "checks of small as of 2026-01-02 03:00: accepted, 0 warning(s)" in shown
    for check_name in ("self_loops", "degree_shift", "id_reuse", "feature_range"):
        assert check_name in shown
    assert "| edges " in shown


def test_check_follows_the_params(house: House, days: list[NetworkDay]) -> None:
    content = yaml.safe_load(house.params_file.read_text())
    content["snapshot"] |= {"feature_maximum": 0.0}
    house.params_file.write_text(yaml.safe_dump(content))
    house.deliver(1, days[0])
    assert check(house, 1)[0] == 2
    content["snapshot"] |= {"warn_only": ["feature_range"]}
    house.params_file.write_text(yaml.safe_dump(content))
    assert check(house, 1) == (0, {"graph": "small", "refused": False, "warnings": ["feature_range"]})
