"""An edge split's record of which only the cuts matter."""

from __future__ import annotations

from datetime import UTC, datetime

from pipeline.records.chain import EdgeSplit


def split_record(cut_train: int | None, cut_valid: int | None) -> EdgeSplit:
    times = [None if cut is None else datetime.fromtimestamp(cut, UTC) for cut in (cut_train, cut_valid)]
    return EdgeSplit(
        snapshot_sha256="0" * 64, method="hashed" if cut_valid is None else "temporal", reason="",
        cut_train=times[0], cut_valid=times[1], num_train=1, num_valid=1, num_test=1, num_message_train=1,
        num_message_test=1, seed=0, files=(), tag="", certificate=(),
    )  # fmt: skip
