from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks import canonicalise


def test_a_log_has_skewed_degrees_and_the_same_share_of_repeats_at_every_size() -> None:
    shares = []
    for count in (20_000, 200_000):
        log = pa.concat_tables(canonicalise.generated_events(count))
        assert log.num_rows == count
        ends = np.sort(np.stack([log["source"].to_numpy(), log["target"].to_numpy()]), axis=0)
        shares.append(1 - len(np.unique(ends, axis=1)[0]) / count)
        degree = np.unique(ends, return_counts=True)[1]
        assert degree.max() > 15 * degree.mean()
        assert (np.diff(log["time"].to_numpy()) >= 0).all()
    assert all(0.3 < share < 0.6 for share in shares)
    assert abs(shares[0] - shares[1]) < 0.05


@pytest.mark.slow
def test_a_table_is_printed_and_the_figures_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    canonicalise.main(["--events", "2000", "20000", "--folder", str(tmp_path), "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert [row["events"] for row in found["logs"]] == [2000, 20000]
    assert all(0 < row["pairs"] < row["events"] and row["peak_gib"] > 0 for row in found["logs"])
    assert found["ratio"] > 0
    said = capsys.readouterr().out
    assert "20,000" in said
    assert "largest over smallest" in said
    assert [path.name for path in tmp_path.iterdir()] == ["found.json"]  # the logs are gone
