import pytest

from pipeline.checks.finding import counted, finding, level_of, refuse_if
from pipeline.params.snapshot import SnapshotParams


def test_message_begins_with_the_check_and_only_a_failed_refusing_one_refuses() -> None:
    failed = finding("degree_shift", "refuse", threshold="<= 1", observed="2", passed=False, message="too far.")
    assert (failed.message, failed.refuses) == ("degree_shift: too far.", True)
    assert not finding("degree_shift", "warn", threshold="<= 1", observed="2", passed=False).refuses
    assert not finding("degree_shift", "refuse", threshold="<= 1", observed="1", passed=True).refuses


def test_counted_check_allows_none() -> None:
    assert counted("self_loops", "refuse", 0, "").result.passed
    assert counted("self_loops", "refuse", 1, "one.").refuses


@pytest.mark.parametrize(("named", "level"), [((), "refuse"), (("orphans",), "refuse"), (("degree_shift",), "warn")])
def test_check_refuses_unless_it_is_named_as_a_warning(named: tuple[str, ...], level: str) -> None:
    assert level_of("degree_shift", SnapshotParams(warn_only=named)) == level
    assert refuse_if(level == "refuse") == level
