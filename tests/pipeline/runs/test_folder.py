from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.errors import InvalidInput, NewerFormat, TamperedRecord
from pipeline.params.params import Params
from pipeline.records.chain import PromotionDecision
from pipeline.records.findings import RuleVerdict
from pipeline.runs.folder import RunFolder
from tests.fixtures.house import House
from tests.pipeline.conftest import snapshot_record

DECISION = PromotionDecision(
    report_sha256="a" * 64,
    promote=False,
    cold_start=True,
    reason="too few test edges",
    rules=(RuleVerdict(name="enough_test_edges", threshold=">= 200", observed="3", passed=False),),
    champion_version=None,
)


def write_half_a_model(staged: Path) -> None:
    (staged / "weights").write_text("half")
    (staged / "missing").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "demo-20260101T000000Z")


def test_record_comes_back_as_it_was_put(folder: RunFolder) -> None:
    assert folder.find(PromotionDecision) is None
    folder.put(DECISION)
    assert folder.get(PromotionDecision) == DECISION
    assert folder.get(PromotionDecision).sha256 == DECISION.sha256


def test_changed_record_is_refused_and_named(folder: RunFolder) -> None:
    folder.put(DECISION)
    path = folder.path / PromotionDecision.file_name
    path.write_text(path.read_text().replace('"promote": false', '"promote":  true'))
    with pytest.raises(TamperedRecord, match=r"promotion_decision\.json .* delete the run folder"):
        folder.get(PromotionDecision)


def test_missing_record_says_which_and_what_to_run(folder: RunFolder) -> None:
    with pytest.raises(InvalidInput, match=r"has no promotion_decision\.json.* Run the step before this one first"):
        folder.get(PromotionDecision)


def test_run_folder_without_a_graph_in_its_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"named 'nightly'.*--run-dir"):
        _ = RunFolder(tmp_path / "nightly").graph


def test_graph_name_may_hold_dashes(tmp_path: Path) -> None:
    assert RunFolder(tmp_path / "my-graph-20260101T000000Z").graph == "my-graph"


def test_staged_folder_appears_whole_or_not_at_all(folder: RunFolder) -> None:
    with folder.staging("model") as staged:
        (staged / "weights").write_text("first")
        assert not (folder.path / "model").exists()
    with pytest.raises(FileNotFoundError), folder.staging("model") as staged:
        write_half_a_model(staged)
    assert (folder.path / "model" / "weights").read_text() == "first"
    assert list((folder.path / ".staging").iterdir()) == []


def test_staged_folder_is_on_the_disk_before_it_has_its_name_and_the_name_after(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    flush, rename = os.fsync, Path.rename

    def flushed(number: int) -> None:
        seen.append(f"fsync {Path(f'/proc/self/fd/{number}').readlink().name.partition('-')[0]}")
        flush(number)

    def renamed(self: Path, target: Path) -> Path:
        seen.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "rename", renamed)
    with folder.staging("model") as staged:
        (staged / "weights").write_text("whole")
    place = seen.index("rename")
    assert {"fsync weights", "fsync model"} <= set(seen[:place])
    assert seen[place + 1 :] == ["fsync demo"]


def test_zombie_cannot_mix_its_files_with_a_later_try(folder: RunFolder) -> None:
    zombie = folder.staging("model")
    zombie_folder = zombie.__enter__()
    (zombie_folder / "weights").write_text("zombie")
    with folder.staging("model") as staged:
        (staged / "weights").write_text("second try")
    (zombie_folder / "more").write_text("zombie")
    assert [path.name for path in (folder.path / "model").iterdir()] == ["weights"]
    assert (folder.path / "model" / "weights").read_text() == "second try"


def good(found: Path) -> None:
    if (found / "weights").read_text() != "good":
        raise TamperedRecord("weights differ.")


def test_damaged_folder_is_fetched_again_and_checked_again(folder: RunFolder, caplog: pytest.LogCaptureFixture) -> None:
    def fetch(staged: Path) -> None:
        (staged / "weights").write_text(kept_elsewhere)

    kept_elsewhere = "good"
    assert folder.kept("model", good, fetch) == folder.path / "model"
    assert caplog.text == ""
    (folder.path / "model" / "weights").write_text("goo")
    assert folder.kept("model", good, fetch) == folder.path / "model"
    assert "demo-20260101T000000Z/model is damaged on this machine, and is fetched again: weights differ" in caplog.text
    kept_elsewhere = "bad"
    assert folder.kept("model", good, fetch) == folder.path / "model"  # what is good here is not fetched
    (folder.path / "model" / "weights").write_text("goo")
    with pytest.raises(TamperedRecord, match="weights differ"):
        folder.kept("model", good, fetch)


@pytest.mark.parametrize("theirs", ["good", "bad"])
def test_what_another_try_has_fetched_meanwhile_stays_where_it_is_good(folder: RunFolder, theirs: str) -> None:
    def fetch(staged: Path) -> None:
        (folder.path / "model").mkdir()
        (folder.path / "model" / "weights").write_text(theirs)
        (folder.path / "model" / "read by another try").touch()
        (staged / "weights").write_text("good")

    assert folder.kept("model", good, fetch) == folder.path / "model"
    assert (folder.path / "model" / "weights").read_text() == "good"
    assert (folder.path / "model" / "read by another try").exists() == (theirs == "good")
    assert list((folder.path / ".staging").iterdir()) == []


def test_damaged_record_is_fetched_again_where_mlflow_has_it(house: House, caplog: pytest.LogCaptureFixture) -> None:
    registry = house.doors.registry
    folder = RunFolder(house.run_dir(1), registry)
    registry.runs.open(folder.graph, folder.name, run_key="1" * 64, params={})
    folder.put(DECISION)
    path = folder.path / PromotionDecision.file_name
    path.write_text(path.read_text()[:20])
    assert folder.get(PromotionDecision) == DECISION
    assert "promotion_decision.json is damaged on this machine, and is fetched again" in caplog.text
    assert PromotionDecision.read(folder.path) == DECISION


def test_params_are_frozen_as_they_were(folder: RunFolder) -> None:
    params = Params()
    folder.freeze(params)
    assert Params.load(folder.path / "params.yaml") == params


def started_with(folder: RunFolder, added: str) -> None:
    """Leave the parameters that a run is started with, one of them added as text, and the snapshot that names them."""
    folder.freeze(Params())
    path = folder.path / "params.yaml"
    path.write_text(path.read_text().replace("decide:\n", f"decide:\n{added}"))
    folder.put(snapshot_record(folder.graph, params_sha256=Params.sha256_of(path)))


def test_frozen_params_come_back_and_changed_ones_are_refused(folder: RunFolder) -> None:
    started_with(folder, "")
    assert folder.frozen_params() == Params()
    path = folder.path / "params.yaml"
    path.write_text(path.read_text().replace("mode: superiority", "mode: non_inferiority"))
    with pytest.raises(
        TamperedRecord,
        match=r"params\.yaml of run demo-.* has digest .*Delete it, and the one of the start",
    ):
        folder.frozen_params()


def test_parameters_that_only_a_newer_version_knows_ask_for_an_upgrade(folder: RunFolder) -> None:
    started_with(folder, "  foresight: true\n")
    with pytest.raises(NewerFormat, match=r"decide\.foresight .*written by a newer version: upgrade this one"):
        folder.frozen_params()
