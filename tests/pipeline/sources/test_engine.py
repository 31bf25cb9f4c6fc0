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


def test_long_queries_draw_no_bar_to_stdout(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        assert engine.con.sql("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]


def test_arrays_come_out_in_order_whatever_their_batches(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        engine.con.execute("CREATE TABLE r AS SELECT i AS source, i + 1 AS target FROM range(2999999, -1, -1) r(i)")
        ids, pairs = duckdb_pairs(engine, engine.table("r"), text=False, directed=True)
    assert ids.tolist() == list(range(3_000_001))
    assert (pairs["low"] == np.arange(3_000_000)).all()
    assert (pairs["high"] == np.arange(1, 3_000_001)).all()
    assert not pairs["reciprocal"].any()


def test_a_pair_that_many_rows_name_has_all_their_times(tmp_path: Path) -> None:
    chain = "SELECT i % 700 AS source, i % 700 + 1 AS target, 1000000 - i AS time FROM range(700001) r(i)"
    with open_engine(tmp_path) as engine:
        engine.con.execute(f"CREATE TABLE r AS {chain}")
        _, pairs = duckdb_pairs(engine, engine.table("r"), text=False, directed=False)
    assert pairs["time"][0] == 300_000  # the pair that is named once more than the others
    assert np.bincount(pairs["repeat_pair"]).tolist() == [1000] + [999] * 699
    assert pairs["repeat_time"][:1000].tolist() == list(range(300_700, 1_000_001, 700))
    assert "events" not in pairs


def test_rows_of_a_directed_table_with_times_say_which_way_they_lead(tmp_path: Path) -> None:
    rows = "(VALUES (7, 5, 30), (5, 7, 20), (7, 5, 10), (7, 9, 10), (9, 9, 1)) r(source, target, time)"
    with open_engine(tmp_path) as engine:
        engine.con.execute(f"CREATE TABLE r AS SELECT * FROM {rows}")
        _, pairs = duckdb_pairs(engine, engine.table("r"), text=False, directed=True)
    with open_engine(tmp_path) as engine:
        engine.con.execute(f"CREATE TABLE r AS SELECT * FROM {rows} LIMIT 0")
        _, quiet = duckdb_pairs(engine, engine.table("r"), text=False, directed=True)
    assert {name: values.tolist() for name, values in pairs.items()} == {
        "low": [0, 1], "high": [1, 2], "reciprocal": [1, 0], "time": [10, 10], "is_forth": [0, 1],
        "repeat_pair": [0, 0], "repeat_time": [20, 30], "repeat_is_forth": [1, 0],
    }  # fmt: skip
    assert (len(quiet["is_forth"]), len(quiet["repeat_is_forth"])) == (0, 0)


def test_pairs_that_are_named_once_have_no_repeats(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        engine.con.execute("CREATE TABLE r AS SELECT i AS source, i + 1 AS target, i AS time FROM range(3) r(i)")
        _, pairs = duckdb_pairs(engine, engine.table("r"), text=False, directed=False)
    assert sorted(pairs) == ["high", "low", "time"]


def test_no_batch_makes_empty_arrays() -> None:
    assert arrays_of([], ["low"])["low"].dtype == np.int64


def test_ids_come_in_the_order_of_their_codes(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        ids = engine.create_table("t", ibis.memtable({"id": ["b", "a"], "code": [1, 0]}))
        assert id_array(ids, text=True).tolist() == ["a", "b"]
        assert id_array(ids.mutate(id=ids.code * 10), text=False).tolist() == [0, 10]
