from __future__ import annotations

import pytest

from benchmarks.speed import cases


def test_names_of_all_parts_are_there() -> None:
    assert {"cora_epoch", "cora_evaluation", "citeseer_epoch", "citeseer_evaluation"} <= set(cases.CASES)
    assert {"ddi_ncn_batch", "ddi_ncnc_scoring"} <= set(cases.CASES)


def test_case_runs_in_a_process_of_its_own_with_the_threads_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, list[str]] = {}

    class Done:
        stdout = '{"seconds": 2.0}'

    def run(command: list[str], **options: object) -> Done:
        seen["command"] = command
        return Done()

    monkeypatch.setattr(cases.subprocess, "run", run)
    assert cases.run_case("cora_epoch", threads=2) == {"seconds": 2.0}
    assert seen["command"][1:] == ["-m", "benchmarks.speed", "--here", "cora_epoch", "--threads", "2"]
