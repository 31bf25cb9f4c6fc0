from __future__ import annotations

from pathlib import Path

from benchmarks.spark_engine import measure, write_events


def test_what_an_engine_makes_of_events_has_one_digest_and_a_cost(tmp_path: Path) -> None:
    write_events(tmp_path / "events.parquet", 2_000)
    first, again = (measure(tmp_path / "events.parquet", "duckdb") for _ in range(2))
    assert first.digest == again.digest
    assert 0 < first.pairs < 2_000  # some pairs are linked again
    assert first.cpu_seconds > 0
    write_events(tmp_path / "others.parquet", 2_001)
    assert measure(tmp_path / "others.parquet", "duckdb").digest != first.digest
