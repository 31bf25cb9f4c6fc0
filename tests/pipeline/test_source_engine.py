from __future__ import annotations

from pathlib import Path

import ibis
import numpy as np

from pipeline.source_engine import MEMORY_GIB, id_array, open_engine, pair_arrays


def test_the_engine_is_held_to_its_share_and_spills(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        settings = "current_setting('memory_limit'), current_setting('temp_directory')"
        [(memory, folder)] = engine.con.sql(f"SELECT {settings}").fetchall()
        assert float(memory.split()[0]) <= MEMORY_GIB or "MiB" in memory
        assert folder == str(tmp_path / "spilled")


def test_arrays_come_out_in_order_whatever_their_batches(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        engine.con.execute("CREATE TABLE r AS SELECT 3000000 - i AS low, i > 5 AS reciprocal FROM range(3000000) r(i)")
        table = engine.table("r")
        found = pair_arrays(engine, table.order_by("low"))
        assert found["low"].tolist() == list(range(1, 3_000_001))
        assert found["reciprocal"].sum() == 2_999_994
        nothing = pair_arrays(engine, table.filter(table.low < 0))
        assert nothing["low"].dtype == np.int64
        assert len(nothing["low"]) == 0


def test_ids_come_in_the_order_of_their_codes(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        ids = engine.create_table("t", ibis.memtable({"id": ["b", "a"], "code": [1, 0]}))
        assert id_array(ids, text=True).tolist() == ["a", "b"]
        assert id_array(ids.mutate(id=ids.code * 10), text=False).tolist() == [0, 10]
