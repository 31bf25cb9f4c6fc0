from __future__ import annotations

from ncnc_airflow.served_model import PROMOTED_MODEL, SERVED_MODEL


def test_the_assets_have_the_names_that_events_are_found_by() -> None:
    assert (PROMOTED_MODEL.name, PROMOTED_MODEL.uri) == ("promoted_model", "promoted_model")
    assert (SERVED_MODEL.name, SERVED_MODEL.uri) == ("served_model", "served_model")
