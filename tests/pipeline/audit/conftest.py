"""One registered night a module, on real bytes: DVC, MLflow, git."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.doors import Doors
from pipeline.environment import Environment
from pipeline.graphs.snapshot_folder import write_folder
from pipeline.graphs.tables import STILL_ALIVE, CanonicalGraph, GraphTables, content_id
from pipeline.params.params import Params
from pipeline.records.digests import digests_of_folder
from pipeline.records.names import PARAMS_FILE
from pipeline.runs.folder import RunFolder
from pipeline.runs.key import code_version, run_key
from pipeline.snapshots.snapshot_store import SnapshotStore
from pipeline.steps import register
from tests.fixtures.audited_night import AS_OF, Night


@pytest.fixture(scope="module")
def night(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    tracking_uri: str,
    make_decided_run: Callable[..., RunFolder],
) -> Night:
    graph = request.module.__name__.rpartition(".")[2].removeprefix("test_")
    place = tmp_path_factory.mktemp("audited")
    origin, remote = str(place / "origin.git"), place / "remote"
    SnapshotStore.create(origin, str(remote))
    values = {"NCNC_HOME": str(place / "home"), "NCNC_DATA_REPOSITORY": origin, "MLFLOW_TRACKING_URI": tracking_uri}
    doors = Doors(Environment(values), clock=lambda: AS_OF)
    time = int(AS_OF.timestamp())
    edges = np.array([[0, 1, 2], [1, 2, 3]])
    tables = GraphTables(
        np.array([10, 20, 30, 40]), None, edges, np.full(3, time), np.full(3, STILL_ALIVE), np.full(3, time)
    )
    canonical = CanonicalGraph(tables, np.full(4, time), np.full(4, STILL_ALIVE))
    write_folder(canonical, place / "snapshot", as_of=AS_OF, previous=None, previous_folder=None)
    identity = content_id(canonical)
    snapshot = doors.snapshots.publish(
        place / "snapshot",
        graph=graph,
        as_of=AS_OF,
        content_id=identity,
        source_sha256="f" * 64,
        num_edges=3,
        previous_tag=None,
    )
    (place / "split").mkdir()
    (place / "split" / "test.bin").write_bytes(b"pairs of the test side")
    split_files = digests_of_folder(place / "split")
    split = doors.snapshots.publish_split(place / "split", graph=graph, as_of=AS_OF, run_key="3" * 64)
    published = {
        "content_id": identity,
        "tag": snapshot.tag,
        "dvc_md5": snapshot.dvc_md5,
        "manifest_sha256": snapshot.manifest_sha256,
    }
    key = run_key(identity, Params().sha256, code_version())
    folder = make_decided_run(
        doors,
        graph,
        run_key=key,
        published=published,
        split={"tag": split.tag, "files": split_files},
        with_control=True,
    )
    doors.registry.runs.put_file(folder.require_mlflow_run(), folder.path / PARAMS_FILE, PARAMS_FILE)
    register.run(folder, Params(), doors=doors)
    artifacts = Path(tracking_uri.removeprefix("sqlite:///")).parent / "mlartifacts" / graph
    return Night(graph, doors, folder, artifacts, remote)
