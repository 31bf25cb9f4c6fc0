from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from embedded import as_caida, demo
from embedded.as_caida import AsCaida
from embedded.generated import Generated
from embedded.layout import REPOSITORY, Layout
from embedded.night_results import NightResult
from embedded.nights import DemoError
from embedded.settings import Settings
from pipeline.terminal import Terminal


def test_the_demo_starts_no_run_uninvited(tmp_path: Path) -> None:
    settings = demo.settings_for(Generated(6), Layout(tmp_path))
    assert (settings.schedule, settings.approval) == ("none", "person")
    assert settings.source_edges == str(tmp_path / "source" / "edges-{date}.parquet")
    assert settings.source_nodes == str(tmp_path / "source" / "nodes-{date}.parquet")
    assert demo.settings_for(AsCaida(tmp_path, 8), Layout(tmp_path)).source_nodes is None


def test_a_night_without_an_entry_is_a_contradiction(six_nights: list[NightResult], tmp_path: Path) -> None:
    layout, deliveries = Layout(tmp_path), Generated(6)
    assert demo.contradictions(deliveries, six_nights, layout) == []
    (found,) = demo.contradictions(deliveries, [*six_nights[:1], *six_nights[2:]], layout)
    assert "night 2 is not in the ledger" in found
    assert str(tmp_path / "airflow" / "logs" / "dag_id=nightly_retraining" / "run_id=night-2") in found


def test_missing_data_ends_the_demo_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NCNC_DATA_DIR", raising=False)
    monkeypatch.setattr(as_caida, "REPOSITORY", tmp_path / "checkout")
    assert demo.main(["--data", "as_caida"]) == 1
    assert "as-caida.tar.zst" in capsys.readouterr().out


def test_a_second_ctrl_c_does_not_interrupt_the_stopping() -> None:
    stop = (
        "import os, signal; from embedded import demo\n"
        "for number in demo.STOP_SIGNALS: signal.signal(number, demo._stop)\n"
        "try:\n"
        "    with demo.unstoppable():\n"
        "        os.kill(os.getpid(), signal.SIGINT); print('stopped cleanly', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "except KeyboardInterrupt as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", stop], capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert done.stdout.split("\n")[:2] == ["stopped cleanly", "SIGTERM"], done.stderr


def test_demo_does_not_empty_a_stack_of_ones_own(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "demo")
    settings = Settings("mine", "/p/params.yaml", None, "/s/edges-{date}.parquet", None, 18080, 15000)
    settings.write(layout)
    with pytest.raises(DemoError, match=r"holds a stack of your own, for graph mine.*Move that folder away"):
        demo.run(Generated(6), layout, Terminal())
    assert Settings.read(layout) == settings
