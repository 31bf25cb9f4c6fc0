from __future__ import annotations

from ncnc_airflow.promoted_model import PROMOTED_MODEL


def test_the_asset_has_the_name_that_events_are_found_by() -> None:
    assert (PROMOTED_MODEL.name, PROMOTED_MODEL.uri) == ("promoted_model", "promoted_model")
