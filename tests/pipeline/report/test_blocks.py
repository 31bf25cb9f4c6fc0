from pipeline.records.scores import Interval
from pipeline.report.blocks import Cell, digest, estimate, judged, metric_name, number, scorer_name, seconds, table

INTERVAL = Interval(value=0.02, low=-0.004, high=0.04)


def test_numbers_are_written_as_people_read_them() -> None:
    assert number(14280).text == "14,280"
    assert number(0.123456).text == "0.1235"
    assert number(None).text == "-"
    assert seconds(1234.56).text == "1,234.6"


def test_an_estimate_carries_its_bounds_and_a_difference_its_sign() -> None:
    assert estimate(INTERVAL) == Cell("0.020", bounds="[-0.004, 0.040]", number=True)
    assert estimate(INTERVAL, signed=True) == Cell("+0.020", bounds="[-0.004, +0.040]", number=True)
    assert estimate(None).text == "-"


def test_a_verdict_is_told_by_sign_word_and_colour() -> None:
    assert judged(passed=True) == Cell("✓ holds", "good")
    assert judged(passed=False) == Cell("✗ fails", "bad")
    assert judged(passed=False, warning=True) == Cell("! warns", "warn")


def test_names_are_those_of_the_field() -> None:
    assert [metric_name(name) for name in ("mrr", "hits@10", "average_precision")] == [
        "MRR",
        "Hits@10",
        "average precision",
    ]
    assert metric_name("shared_hits@20") == "shared Hits@20"
    assert scorer_name("cold_control") == "cold-start control"
    assert digest("ab" * 32).text == "ab" * 6


def test_what_is_no_cell_becomes_one() -> None:
    assert table("c", ("a", "b"), [["x", number(1)]]).rows == ((Cell("x"), Cell("1", number=True)),)
