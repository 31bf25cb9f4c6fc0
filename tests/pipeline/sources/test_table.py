from __future__ import annotations

import ibis
import pyarrow as pa

from pipeline.sources.table import SourceTable


def test_csv_ids_are_numbers_where_most_look_like_one() -> None:
    def column(*values: str | None) -> SourceTable:
        return SourceTable("e.csv", ibis.memtable(pa.table({"source": pa.array(values, pa.string())})), typed=False)

    assert not column("1", "2", "x").ids_are_text("source")
    assert column("1", "y", "x").ids_are_text("source")
    assert not column("1", "", None, "nan").ids_are_text("source")  # a missing one says nothing of the kind
    assert column().ids_are_text("source") is None
