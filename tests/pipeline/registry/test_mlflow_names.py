from __future__ import annotations

from pipeline.registry.mlflow_names import PARAM_LENGTH, mlflow_key, mlflow_value


def test_a_name_keeps_the_letters_that_mlflow_allows() -> None:
    assert mlflow_key("hits@10") == "hits_at_10"
    assert mlflow_key("a[b]=c") == "a_b__c"


def test_two_long_values_are_told_apart_though_cut() -> None:
    first, second = mlflow_value("x" * 9000), mlflow_value("x" * 9001)
    assert len(first) == len(second) == PARAM_LENGTH
    assert first != second
    assert mlflow_value("short") == "short"
