"""The page on reading snapshots is run from top to bottom, as a reader would run it, on a small repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from ncnc_core.random_spatial_network import NetworkDay
from pipeline.graphs.snapshot_folder import read_graph
from tests.fixtures.house import House

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "snapshots.md"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_page_runs_from_top_to_bottom(house: House, days: list[NetworkDay], tmp_path: Path) -> None:
    tags = []
    for night in (1, 2, 3):
        house.deliver(night, days[night - 1])
        argv = ("--as-of", house.as_of(night).isoformat(), "--params", str(house.params_file))
        tags.append(str(house.call("snapshots", "ingest", *argv)[1]["tag"]))
    text = PAGE.read_text()
    blocks = re.findall(r"^```(sh|python)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == text.count("```") // 2 >= 8
    # One shell for all of the page, for what one block sets the next one uses.
    lines = [code if kind == "sh" else f"python3 - <<'END_OF_BLOCK'\n{code}END_OF_BLOCK\n" for kind, code in blocks]
    place = tmp_path / "reader"
    place.mkdir()
    (place / "bin").mkdir()
    (place / "bin" / "ncnc").write_text(f'#!/bin/sh\nexec {sys.executable} -m pipeline.cli "$@"\n')
    (place / "bin" / "ncnc").chmod(0o755)
    path = os.pathsep.join([str(place / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    values = {
        "REPO": house.values["NCNC_DATA_REPOSITORY"], "GRAPH": "small", "TAG": tags[2], "EARLIER": tags[1],
        "PATH": path, "PYTHONPATH": str(ROOT), "DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(lines)],
        cwd=place, env={**os.environ, **house.values, **values}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-4000:]
    assert ran.stdout.count("SHA256SUMS: OK") == 1
    assert "FAILED" not in ran.stdout

    # The anti-join of the page gives what our own reader takes for the living edges.
    tables = read_graph(place / "data").tables
    living = tables.edges[:, tables.living]
    assert 0 < living.shape[1] < tables.edges.shape[1]
    expected = {(str(tables.node_ids[low]), str(tables.node_ids[high])) for low, high in living.T}
    for name in ("living.parquet", "fetched.parquet"):
        found = pd.read_parquet(place / name)
        assert {(str(row.source), str(row.target)) for row in found.itertuples()} == expected
    assert re.search(rf"\b{living.shape[1]} living\n", ran.stdout)
    # Of three snapshots the page takes the newest back, and keeps the last two of the others.
    journal = house.doors.snapshots.journal()
    assert (set(journal.retracted), set(journal.collected)) == ({tags[2]}, set())
