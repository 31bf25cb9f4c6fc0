from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.errors import InvalidInput
from pipeline.ledger.collected_models import collected_in_words, expect_model, model_collection
from pipeline.ledger.entries import RegistryCollected

AT = datetime(2026, 6, 1, 4, tzinfo=UTC)


def collected(*models: str, who: str = "cron") -> RegistryCollected:
    return RegistryCollected(
        graph="demo", versions=(), checkpoints=(), run_folders=(), models=models, policy="model-days 90", at=AT,
        who=who, reason="routine",
    )  # fmt: skip


def test_the_last_collection_that_took_a_model_is_found() -> None:
    entries = (collected("demo-1"), collected("demo-1", "demo-2", who="ann"), collected("demo-3"))
    assert model_collection(entries, "demo-1") == entries[1]  # the first was killed, and the second finished it
    assert model_collection(entries, "demo-9") is None
    assert collected_in_words(entries[1]) == "collected by ann on 2026-06-01 04:00 UTC, routine (model-days 90)"


def test_run_without_its_model_is_refused_with_whose_doing_it_was_and_what_to_do() -> None:
    with pytest.raises(InvalidInput, match=r"run demo-1 was collected by cron .* Start a run of another as-of"):
        expect_model((collected("demo-1"),), "demo-1")
    expect_model((collected("demo-1"),), "demo-2")
