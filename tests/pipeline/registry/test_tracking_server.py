from __future__ import annotations

import copy
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import mlflow.pyfunc
import pytest
from mlflow.exceptions import MlflowException
from pandas import DataFrame

from pipeline.doors import Doors
from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.records.digests import digests_of_folder
from pipeline.registry.facts import version_tags
from pipeline.registry.model_registry import ModelRegistry
from pipeline.registry.tracking_server import ArtifactFolder, TrackingServer, asks_the_server
from tests.fixtures.local_services import free_port, mlflow_server


@pytest.fixture
def server(tmp_path: Path, empty_tracking: Path) -> Iterator[str]:
    shutil.copy(empty_tracking, tmp_path)
    with mlflow_server(tmp_path) as url:
        yield url


@pytest.mark.slow
def test_everything_a_night_keeps_goes_through_a_server_as_well(
    server: str, graph: str, run_name: str, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    registry = ModelRegistry(server)
    run_id = registry.runs.open(graph, run_name, run_key="3" * 64, params={"train.seed": "0"})
    folder = make_model()
    files = digests_of_folder(folder)
    assert not registry.runs.fetch_file(run_id, tmp_path / "checkpoint", "checkpoint.pt")
    for text in ("epoch 1", "epoch 2"):
        (tmp_path / "checkpoint").write_text(text)
        registry.runs.put_file(run_id, tmp_path / "checkpoint", "checkpoint.pt")
    assert registry.runs.fetch_file(run_id, tmp_path / "back.pt", "checkpoint.pt")
    assert (tmp_path / "back.pt").read_text() == "epoch 2"
    assert len(list((tmp_path / "mlflow-artifacts").rglob("checkpoint.pt"))) == 1
    assert registry.runs.observe_folder(run_id, "model", files) == {}
    registry.runs.put_folder(run_id, folder, "model")
    assert digests_of_folder(registry.runs.fetch_folder(run_id, "model", tmp_path / "fetched", files)) == files
    assert registry.versions.champion(graph) is None
    assert registry.versions.of_run_key(graph, "3" * 64) is None
    model_id = registry.models.log(run_id, folder, input_example=DataFrame({"source": [10], "target": [40]}))
    as_of = datetime(2026, 1, 2, tzinfo=UTC)
    tags = version_tags(run_key="3" * 64, run_name=run_name, as_of=as_of, snapshot_tag="snap/x", files=files)
    number = registry.versions.create(graph, run_id, model_id, tags)
    assert registry.versions.create(graph, run_id, model_id, tags) == number
    found = registry.versions.get(graph, number)
    assert digests_of_folder(registry.models.fetch(found, tmp_path / "model")) == files
    assert {item.path for item in registry.models.observe(found.model_id)} >= {"MLmodel", "served_model.py"}
    registry.runs.close(run_id, "promoted")
    mlflow.set_tracking_uri(server)
    try:
        served = mlflow.pyfunc.load_model(f"models:/{graph}/{number}")
    finally:
        mlflow.set_tracking_uri(None)
    assert list(served.predict(DataFrame({"source": [10], "target": [40]}))) == ["source", "target", "score"]


def test_server_that_is_down_is_trouble_outside_with_its_url_and_a_remedy() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    begun = time.monotonic()
    with pytest.raises(OutsideTrouble, match=rf"{url} gives no answer.*MLFLOW_TRACKING_URI") as caught:
        ModelRegistry(url).runs.find("demo", "demo-20260101T000000Z")
    assert caught.value.exit_code == 75
    assert time.monotonic() - begun < 60


@contextmanager
def another_site(status: int, body: bytes, date: str = "Thu, 01 Jan 2026 00:00:00 GMT") -> Iterator[str]:
    """Serve one answer at every address, as a proxy without a route does; yield its URL."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def date_time_string(self, timestamp: float | None = None) -> str:
            return date

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_address[1]}"
        site.shutdown()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, b"<html>no route</html>", "is no MLflow server: .*404.*MLflow's own address"),
        (200, b"<html>sign in</html>", "is no MLflow server: .*not in a valid JSON.*MLflow's own address"),
        (400, b"bad request", "is no MLflow server: .*400"),
        (404, b'{"message": "no Route matched"}', "gives no answer: .*no Route matched.*MLFLOW_TRACKING_URI"),
    ],
)
def test_a_proxy_that_answers_in_the_servers_place_is_told_from_a_missing_model(
    status: int, body: bytes, said: str
) -> None:
    with another_site(status, body) as url, pytest.raises(OutsideTrouble, match=said) as caught:
        ModelRegistry(url).aliases.of("demo")
    assert url in str(caught.value)
    assert "<html>" not in str(caught.value)


def test_the_server_says_what_time_it_is_by_its_own_clock() -> None:
    with another_site(200, b"3.0.0", date="Thu, 01 Jan 2026 00:00:07 GMT") as url:
        assert ModelRegistry(url).contents.server_time() == (datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC),)


def test_a_bare_database_has_no_clock_of_its_own(tracking_uri: str) -> None:
    assert ModelRegistry(tracking_uri).contents.server_time() == ()


def test_a_full_disk_beside_a_bare_database_is_no_fault_of_a_server() -> None:
    class Door:
        server = TrackingServer("sqlite:///home/mlflow.db")

        @asks_the_server
        def ask(self) -> None:
            try:
                raise sqlite3.OperationalError("database or disk is full")
            except sqlite3.OperationalError as error:
                raise MlflowException("(sqlite3.OperationalError) database or disk is full") from error

    with pytest.raises(OutsideTrouble, match=r"disk of this machine is full.*Free space"):
        Door().ask()


@pytest.mark.parametrize(
    ("code", "expected", "remedy"),
    [
        ("PERMISSION_DENIED", InvalidInput, "MLFLOW_TRACKING_USERNAME"),  # asking again changes nothing
        ("TEMPORARILY_UNAVAILABLE", OutsideTrouble, "try again"),
        ("RESOURCE_DOES_NOT_EXIST", InvalidInput, "ncnc registry doctor"),  # deleted on its page, or restored
        ("BAD_REQUEST", MlflowException, "said"),  # a bug of ours: let it be seen as one
    ],
)
def test_answers_of_a_server_are_told_apart(code: str, expected: type[Exception], remedy: str) -> None:
    class Door:
        server = TrackingServer("http://user:secret@mlflow.example.org")

        @asks_the_server
        def ask(self) -> None:
            error = MlflowException("said http://user:secret@mlflow.example.org/api")
            error.error_code = code
            raise error

    with pytest.raises(expected, match=remedy) as caught:
        Door().ask()
    if expected is not MlflowException:
        assert "secret" not in str(caught.value)


def test_bare_database_leaves_the_working_directory_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracking_uri: str, graph: str, run_name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ModelRegistry(tracking_uri).runs.open(graph, run_name, run_key="3" * 64, params={})
    assert list(tmp_path.iterdir()) == []


def test_artifacts_are_listed_fetched_and_removed_by_path(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    shelf = ArtifactFolder((tmp_path / "root").as_uri(), "sqlite:///unused.db")
    shelf.put_file(tmp_path / "a.txt", "deep/b.txt")
    assert shelf.has("deep")
    assert shelf.has("deep/b.txt")
    with shelf.fetched("deep/b.txt") as found:
        assert found is not None
        assert found.read_text() == "a"
    shelf.remove("deep/b.txt")
    with shelf.fetched("deep/b.txt") as found:
        assert found is None


class Racing:
    tracking_uri = "http://nowhere"

    def __init__(self, said: str) -> None:
        self.calls, self.said = 0, said

    @asks_the_server
    def set_tag(self) -> str:
        self.calls += 1
        if self.calls == 1:
            raise MlflowException(self.said)
        return "set"


def test_folder_that_another_process_deletes_meanwhile_is_removed_without_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "root" / "m"
    folder.mkdir(parents=True)
    (folder / "one").write_text("1")
    real, raced = shutil.rmtree, []

    def beaten_to_it(path: str) -> None:
        if not raced:
            raced.append(path)
            (folder / "one").unlink()  # the other one is halfway through
            raise FileNotFoundError(2, "No such file or directory", "one")
        real(path)

    monkeypatch.setattr(shutil, "rmtree", beaten_to_it)
    ArtifactFolder((tmp_path / "root").as_uri(), "sqlite:///unused.db").remove("m")
    assert raced
    assert not folder.exists()


@pytest.mark.parametrize(
    "said",
    [
        "(sqlite3.IntegrityError) UNIQUE constraint failed: tags.key, tags.run_uuid",
        'duplicate key value violates unique constraint "tag_pk"',
    ],
)
def test_tag_that_two_tries_insert_at_once_is_set_by_both(said: str) -> None:
    racing = Racing(said)
    assert (racing.set_tag(), racing.calls) == ("set", 2)


def test_a_registry_that_another_process_gets_has_the_address_and_a_connection_of_its_own(doors: Doors) -> None:
    registry = doors.registry
    assert registry.server.client is registry.server.client
    handed = copy.deepcopy(registry)  # by the same means as another process gets it
    assert handed.server.tracking_uri == registry.server.tracking_uri
    assert handed.runs.find("no-graph", "no-run") is None
    assert handed.server.client is not registry.server.client
