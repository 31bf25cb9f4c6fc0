from __future__ import annotations

import json
import sys
from pathlib import Path

from ncnc_airflow.shard_task import ShardTask


def test_the_child_gets_the_number_of_its_shard(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    stand_in = tmp_path / "stand_in.py"
    stand_in.write_text(f"import json, pathlib, sys; pathlib.Path({str(seen)!r}).write_text(json.dumps(sys.argv[1:]))")
    task = ShardTask(
        task_id="recommend_shard",
        step="recommend-shard",
        run_dir="/runs/demo-1",
        program=[sys.executable, str(stand_in)],
        shard=7,
    )
    assert task.execute.__wrapped__(task, {}) == "demo-1"
    assert json.loads(seen.read_text()) == ["recommend-shard", "--run-dir", "/runs/demo-1", "--shard", "7"]
