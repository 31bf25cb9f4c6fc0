from __future__ import annotations

from pathlib import Path

import ibis
import numpy as np

from pipeline.sources.engine import MEMORY_GIB, arrays_of, duckdb_pairs, id_array, open_engine


def test_the_engine_is_held_to_its_share_and_spills(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        settings = "current_setting('memory_limit'), current_setting('temp_directory')"
        [(memory, folder)] = engine.con.sql(f"SELECT {settings}").fetchall()
        assert float(memory.split()[0]) <= MEMORY_GIB or "MiB" in memory
        assert folder == str(tmp_path / "spilled")


def test_arrays_come_out_in_order_whatever_their_batches(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        engine.con.execute("CREATE TABLE r AS SELECT i AS source, i + 1 AS target FROM range(2999999, -1, -1) r(i)")
        ids, pairs = duckdb_pairs(engine, engine.table("r"), text=False, directed=True)
    assert ids.tolist() == list(range(3_000_001))
    assert (pairs["low"] == np.arange(3_000_000)).all()
    assert (pairs["high"] == np.arange(1, 3_000_001)).all()
    assert not pairs["reciprocal"].any()


def test_no_batch_makes_empty_arrays() -> None:
    assert arrays_of([], ["low"])["low"].dtype == np.int64


def test_ids_come_in_the_order_of_their_codes(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        ids = engine.create_table("t", ibis.memtable({"id": ["b", "a"], "code": [1, 0]}))
        assert id_array(ids, text=True).tolist() == ["a", "b"]
        assert id_array(ids.mutate(id=ids.code * 10), text=False).tolist() == [0, 10]
