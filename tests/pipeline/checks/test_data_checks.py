from datetime import UTC, datetime
from pathlib import Path

from pipeline.checks.data_checks import DataChecks, verdict
from pipeline.records.findings import CheckResult

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)
GOOD = CheckResult(name="rows", level="refuse", threshold=">= 1", observed="9", passed=True)
BAD = CheckResult(name="self_loops", level="refuse", threshold="0", observed="7", passed=False)
WARNED = CheckResult(name="edge_ratio", level="warn", threshold=">= 0.9", observed="0.85", passed=False)


def checks(*items: CheckResult, reasons: tuple[str, ...] = ()) -> DataChecks:
    return DataChecks(graph="demo", as_of=AS_OF, delivery="edges.parquet", checks=items, reasons=reasons)


def test_refused_where_there_is_a_reason_and_warned_where_a_check_only_warns() -> None:
    assert not checks(GOOD, WARNED).refused
    refused = checks(GOOD, WARNED, BAD, reasons=("self_loops: 7 edges.",))
    assert refused.refused
    assert refused.warnings == ("edge_ratio",)
    assert [verdict(item) for item in refused.checks] == ["ok", "warn", "REFUSE"]


def test_text_shows_every_check_with_its_observed_value_and_the_reasons() -> None:
    text = checks(GOOD, WARNED, BAD, reasons=("self_loops: 7 edges.",)).to_text()
    lines = text.splitlines()
    assert lines[0].strip() == "checks of demo as of 2026-01-02 00:00: refused, 1 warning(s)"
    for item in (GOOD, WARNED, BAD):
        [line] = [line for line in lines if f" {item.name} " in line]
        assert item.observed in line
        assert item.threshold in line
    assert lines[-1] == "self_loops: 7 edges."


def test_every_check_is_kept_as_json(tmp_path: Path) -> None:
    kept = checks(GOOD, WARNED)
    assert kept.write(tmp_path).name == "data_checks.json"
    assert DataChecks.read(tmp_path) == kept
