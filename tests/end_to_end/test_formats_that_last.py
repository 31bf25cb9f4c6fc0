"""What an earlier version left is listed, shown, audited, asked, and gone on with: one archive a format."""

from __future__ import annotations

import ast
import csv
import hashlib
import importlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ncnc_core.link_model import LinkModel
from pipeline.checks.data_checks import DataChecks
from pipeline.graphs.change_summary import ChangeSummary
from pipeline.graphs.snapshot_folder import read_graph
from pipeline.records.chain import CHAIN
from tests.archives.opened_archive import ARCHIVES, OpenedArchive, opened_archive
from tests.archives.packed_archive import require_neutral

FORMATS = sorted(path.name.removesuffix(".tar.xz") for path in ARCHIVES.glob("*.tar.xz"))
BEFORE_THE_CHAIN = ("format-2026-11",)  # of ledgers whose lines do not name the lines above them
DATED = "format-2026-11-29-dated"
DIRECTED = "format-2026-11-29-evidence"
TOLERANCE = 1e-4  # logits: another processor adds up in another order
STEPS = ("split", "train", "evaluate", "decide")


@pytest.fixture(scope="module", params=FORMATS)
def name(request: pytest.FixtureRequest) -> str:
    """The name of an archive."""
    return str(request.param)


@pytest.fixture(scope="module")
def archive(name: str, tmp_path_factory: pytest.TempPathFactory) -> OpenedArchive:
    """An archive that tests only look at."""
    return opened_archive(name, tmp_path_factory.mktemp(name))


@pytest.fixture(scope="module")
def anchored(name: str, tmp_path_factory: pytest.TempPathFactory) -> OpenedArchive:
    """An archive after its versions were anchored; before, an audit misses one thing alone: a digest in the ledger.

    Where the ledger was chained when the version was promoted, it holds the digest, and there is nothing to anchor.
    """
    archive = opened_archive(name, tmp_path_factory.mktemp(f"{name}-anchored"))
    graph, chained = archive.manifest["graph"], name not in BEFORE_THE_CHAIN
    code, lines = archive.run("audit", "model", f"{graph}@champion")
    assert (code, lines[-1]["wrong"]) == ((0, []) if chained else (2, ["lineage digest in the ledger"]))
    versions = [] if chained else sorted({audit["version"] for audit in archive.manifest["audits"]})
    assert archive.ncnc("registry", "anchor", "--reason", "written by an earlier version")["anchored"] == versions
    return archive


@pytest.fixture
def dated(tmp_path: Path) -> OpenedArchive:
    """The archive of dated edges, for one test."""
    return opened_archive(DATED, tmp_path)


@pytest.fixture
def own_archive(name: str, tmp_path: Path) -> OpenedArchive:
    """An archive that one test goes on with."""
    return opened_archive(name, tmp_path)


def test_first_supported_format_has_its_archive() -> None:
    assert "format-2026-11" in FORMATS


def test_history_and_registry_read_as_they_did(archive: OpenedArchive) -> None:
    assert archive.run("registry", "history")[1][:-1] == archive.manifest["history"]
    shown, known = archive.ncnc("registry", "show"), archive.manifest["registry"]
    assert {key: shown[key] for key in known} == known
    no_refreshes = {str(version): version for version in known["versions"]}  # in the archives that say nothing of them
    assert shown["weights"] == known.get("weights", no_refreshes)
    status = archive.ncnc("status")
    assert {key: status[key] for key in ("graph", "champion")} == {
        key: archive.manifest["status"][key] for key in ("graph", "champion")
    }
    known_stops = archive.manifest["status"].get("stopped", [])  # no sentence at first
    assert [one.lower().rstrip(".") for one in status["stopped"]] == [one.lower().rstrip(".") for one in known_stops]
    runs = re.findall(rf"{archive.manifest['graph']}-\d{{8}}T\d{{6}}Z", str(archive.manifest["history"]))
    assert status["nights"] == len(set(runs))  # the code that wrote it counted entries, not nights


def test_every_record_is_read_and_has_the_digest_of_its_bytes(archive: OpenedArchive) -> None:
    kinds = {kind.file_name: kind for kind in (*CHAIN, DataChecks, ChangeSummary)}
    paths = [archive.run_dir(name) for name in archive.manifest["records"]]
    read = [path for path in paths if path.name in kinds]
    assert {path.name for path in read} == kinds.keys()
    for path in read:
        record = kinds[path.name].read(path.parent)
        assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest(), path


def test_snapshots_are_listed_shown_and_fetched(archive: OpenedArchive, tmp_path: Path) -> None:
    listed = archive.run("snapshots", "list", archive.manifest["graph"])[1]
    assert listed == [{"retracted": False, **item} for item in archive.manifest["snapshots"]]
    first, last = (archive.manifest["snapshots"][place] for place in (0, -1))
    for item in archive.manifest["snapshots"]:
        shown = archive.ncnc("snapshots", "show", item["tag"])
        assert shown["tag"] == item["tag"]
    archive.ncnc(
        "snapshots", "get", first["tag"], str(tmp_path / "first"), "--living", str(tmp_path / "living.parquet")
    )
    assert (tmp_path / "living.parquet").is_file()
    assert archive.run("snapshots", "diff", first["tag"], last["tag"])[0] == 0


def test_collections_are_planned_beside_what_earlier_ones_took(archive: OpenedArchive) -> None:
    archive.ncnc("snapshots", "gc", "--dry-run")
    archive.ncnc("registry", "gc")


@pytest.mark.parametrize("model", ["champion", "2"])
def test_registered_versions_are_audited_down_to_their_bytes(anchored: OpenedArchive, model: str) -> None:
    archive = anchored
    found = archive.ncnc("audit", "model", f"{archive.manifest['graph']}@{model}")
    assert found["wrong"] == []
    checked = {audit["version"]: audit["checked"] for audit in archive.manifest["audits"]}
    weights_of = archive.manifest["registry"].get("weights", {}).get(str(found["version"]), found["version"])
    assert found["checked"] >= checked[weights_of]


def test_registered_versions_recommend_and_explain_as_they_did(archive: OpenedArchive) -> None:
    graph, known = archive.manifest["graph"], archive.manifest["recommended"]["recommendations"]
    found = archive.ncnc("recommend", f"{graph}@champion", "--node", str(known[0]["source"]), "-k", "3", "--json")
    assert [row["target"] for row in found["recommendations"]] == [row["target"] for row in known]
    assert [row["score"] for row in found["recommendations"]] == pytest.approx(
        [row["score"] for row in known], abs=TOLERANCE
    )
    for pair in archive.manifest["explained"]:
        ends = ("--source", str(pair["source"]), "--target", str(pair["target"]))
        why = archive.ncnc("explain", f"{graph}@{pair['version']}", *ends, "--json")
        assert why["score"] == pytest.approx(pair["score"], abs=TOLERANCE)


def test_saved_library_model_scores_as_it_did(archive: OpenedArchive) -> None:
    model = LinkModel.load(archive.root / "library-model")
    for pair in archive.manifest["library_model"]:
        [logit] = model.score_ids([pair["source"]], [pair["target"]])
        assert float(logit) == pytest.approx(pair["logit"], abs=TOLERANCE)
    asked = archive.ncnc("recommend", str(archive.root / "library-model"), "--node", "node 7", "-k", "2")
    assert asked["candidates"] == 2


def test_code_of_a_registered_model_finds_the_core_it_imports(archive: OpenedArchive) -> None:
    code = next((archive.root / "mlflow" / "mlartifacts").glob("*/models/*/artifacts/served_model.py"))
    found = []
    for node in ast.walk(ast.parse(code.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ncnc_core"):
            module = importlib.import_module(str(node.module))
            found += [getattr(module, item.name) for item in node.names]
    assert found


def test_batches_of_recommendations_are_verified_and_none_is_made_again(own_archive: OpenedArchive) -> None:
    folder, graph = own_archive.root / "home" / "recommendations", own_archive.manifest["graph"]
    champion = own_archive.manifest["registry"]["aliases"]["champion"]
    for batch in (f"{graph}-{champion}", f"{graph}-20260305T060000Z"):
        before = (folder / batch / "SHA256SUMS").read_bytes()
        if batch.endswith("Z"):
            own_archive.ncnc("recommend-publish", "--run-dir", str(folder / batch))
        assert (folder / batch / "SHA256SUMS").read_bytes() == before
    begun = str(folder / f"{graph}-20260306T060000Z")
    assert own_archive.ncnc("recommend-shard", "--run-dir", begun, "--shard", "0")["made"] is False


def test_pages_are_made_anew_from_records_here_or_in_mlflow(own_archive: OpenedArchive) -> None:
    nights, records = own_archive.manifest["nights"], own_archive.manifest["records"]
    first, last = min(nights), max(nights)
    shutil.rmtree(own_archive.run_dir(first))
    for run_name in (first, last):
        page = own_archive.ncnc("report", "--run-dir", str(own_archive.run_dir(run_name)))
        assert page["outcome"] == nights[run_name]
        assert Path(page["report"]).stat().st_size > 10_000
    fetched = [name for name in records if name.startswith(first) and own_archive.run_dir(name).is_file()]
    assert fetched
    for name in fetched:
        assert hashlib.sha256(own_archive.run_dir(name).read_bytes()).hexdigest() == records[name], name


@pytest.mark.slow
def test_next_night_runs_on_top_and_any_champion_is_taken_back(own_archive: OpenedArchive) -> None:
    graph, as_of = own_archive.manifest["graph"], own_archive.manifest["next_as_of"]
    run_dir = own_archive.run_dir(f"{graph}-{as_of.replace('-', '').replace(':', '')}")
    before = own_archive.ncnc("status")
    if before["stopped"]:
        own_archive.ncnc("registry", "unpin", "--reason", "nights go on")
    own_archive.ncnc("snapshot", "--run-dir", str(run_dir), "--as-of", as_of)
    for step in STEPS:
        own_archive.ncnc(step, "--run-dir", str(run_dir))
    code, _ = own_archive.run("register", "--run-dir", str(run_dir))
    promoted = json.loads((run_dir / "promotion_decision.json").read_text())["promote"]
    assert code == (0 if promoted else 99)
    report = json.loads((run_dir / "evaluation_report.json").read_text())
    assert report["champion"]["version"] == before["weights_of"] == 1
    assert report["paired"] is not None
    assert own_archive.ncnc("status")["nights"] == before["nights"] + 1

    own_archive.ncnc("registry", "anchor")
    own_archive.ncnc("rollback", "--graph", graph, "--to", "2", "--reason", "it was better after all")
    served = own_archive.ncnc("status")
    assert served["weights_of"] == 2  # on the newest graph, as a version of its own
    assert served["champion"] > 2
    assert own_archive.ncnc("audit", "model", f"{graph}@champion")["wrong"] == []
    assert own_archive.run("registry", "history")[1][-3]["why"] == "it was better after all"


def test_snapshot_that_was_taken_back_is_listed_shown_and_not_built_on(dated: OpenedArchive) -> None:
    listed = dated.run("snapshots", "list", dated.manifest["graph"])[1]
    (taken_back,) = [item for item in listed if item["retracted"]]
    assert dated.ncnc("snapshots", "show", taken_back["tag"])["tag"] == taken_back["tag"]
    after = next(item for item in listed if item["as_of"] > taken_back["as_of"])
    assert dated.ncnc("snapshots", "show", after["tag"])["previous_tag"] not in (None, taken_back["tag"])


def test_events_after_the_first_of_a_pair_are_read_with_their_times(dated: OpenedArchive, tmp_path: Path) -> None:
    last = dated.manifest["snapshots"][-1]
    dated.ncnc("snapshots", "get", last["tag"], str(tmp_path / "graph"))
    graph = read_graph(tmp_path / "graph")
    with (dated.root / "deliveries" / f"edges-{last['as_of'][:10]}.csv").open() as stream:
        delivered = list(csv.DictReader(stream))
    pairs = {frozenset((row["source"], row["target"])) for row in delivered}
    assert graph.tables.edges.shape[1] == len(pairs)
    told = graph.told_events(np.ones(len(pairs), dtype=bool))
    assert sorted(told.time) == sorted(int(row["at"]) for row in delivered)
    assert len(graph.tables.repeats) == len(delivered) - len(pairs) > 100


def test_which_way_events_went_is_read_as_it_was_delivered(tmp_path: Path) -> None:
    archive = opened_archive(DIRECTED, tmp_path / "archive")
    last = archive.manifest["snapshots"][-1]
    archive.ncnc("snapshots", "get", last["tag"], str(tmp_path / "graph"))
    tables = read_graph(tmp_path / "graph").tables
    told = read_graph(tmp_path / "graph").told_events(np.ones(tables.edges.shape[1], dtype=bool))
    assert told.forward is not None
    ends = tables.node_ids[tables.edges][:, told.edge]
    events = zip(*np.where(told.forward, ends, ends[::-1]).tolist(), told.time.tolist(), strict=True)
    with (archive.root / "deliveries" / f"edges-{last['as_of'][:10]}.csv").open() as stream:
        delivered = [tuple(int(row[name]) for name in ("source", "target", "at")) for row in csv.DictReader(stream)]
    assert sorted(events) == sorted(delivered)
    assert len({(source < target) for source, target, _ in delivered}) == 2


def test_saved_model_that_reads_times_goes_on_with_new_events(dated: OpenedArchive) -> None:
    model = LinkModel.load(dated.root / "library-model")
    assert model.config.predictor == "temporal_ncn"
    before = model.score_ids(["node 0"], ["node 20"])
    later = model.updated([("node 0", "node 20"), ("node 1", "node 20")], time=[300, 301])
    assert later.score_ids(["node 1"], ["node 21"]).isfinite().all()
    assert later.score_ids(["node 0"], ["node 20"]) != before


def test_folder_that_names_this_machine_is_not_packed(tmp_path: Path) -> None:
    repository = tmp_path / "data.git"
    subprocess.run(["git", "init", "--quiet", "--bare", repository], check=True)
    require_neutral(tmp_path, [])
    said = ["git", "-C", repository, "hash-object", "-w", "--stdin"]
    subprocess.run(said, input=b"run by /home/somebody", check=True, capture_output=True)  # compressed in git's objects
    with pytest.raises(SystemExit, match=r"data\.git holds '/home/somebody', which names this machine"):
        require_neutral(tmp_path, [Path("/home/somebody")])
