from __future__ import annotations

from ncnc_airflow.served_version import PROMOTED_MODEL, SERVED_VERSION


def test_the_assets_have_the_names_that_events_are_found_by() -> None:
    assert (PROMOTED_MODEL.name, PROMOTED_MODEL.uri) == ("promoted_model", "promoted_model")
    assert (SERVED_VERSION.name, SERVED_VERSION.uri) == ("served_version", "served_version")
