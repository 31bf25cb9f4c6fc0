from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest
from botocore.exceptions import ClientError

SOURCE = Path(__file__).parents[2] / "docker" / "data_init.py"


@pytest.fixture(scope="module")
def data_init() -> ModuleType:
    spec = importlib.util.spec_from_file_location("data_init", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class FakeStore(ThreadingHTTPServer):
    """Just enough of S3 to hold bucket names, and to see how it is addressed."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.buckets: set[str] = set()
        self.status: int | None = None


class Handler(BaseHTTPRequestHandler):
    server: FakeStore

    def do_HEAD(self) -> None:
        self.answer(self.server.status or (200 if self.path in self.server.buckets else 404))

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.buckets.add(self.path)
        self.answer(200)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStore]:
    server = FakeStore()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
    for name, value in {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield server
    server.shutdown()
    server.server_close()


def test_a_missing_bucket_is_made_once(data_init: ModuleType, store: FakeStore) -> None:
    assert data_init.ensure_bucket("graphs") is True
    assert store.buckets == {"/graphs"}  # addressed by path: a store by host name has no bucket host names
    assert data_init.ensure_bucket("graphs") is False


def test_a_refused_key_is_not_taken_for_a_missing_bucket(data_init: ModuleType, store: FakeStore) -> None:
    store.status = 403
    with pytest.raises(ClientError, match="403"):
        data_init.ensure_bucket("graphs")
    assert store.buckets == set()


def test_the_data_repository_gets_its_first_commit_once(
    data_init: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = tmp_path / "graph-data.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(origin)], check=True)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    monkeypatch.setenv("NCNC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NCNC_DATA_REPOSITORY", origin.as_uri())
    monkeypatch.setenv("NCNC_DVC_REMOTE", "s3://graphs/dvc")
    assert data_init.ensure_data_repository(origin.as_uri()) is True
    show = ["git", "--git-dir", str(origin), "show", "main:.dvc/config"]
    config = subprocess.run(show, capture_output=True, text=True, check=True).stdout
    assert "s3://graphs/dvc" in config
    assert data_init.ensure_data_repository(origin.as_uri()) is False


def test_an_unreachable_repository_is_an_error_and_no_new_repository(data_init: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        data_init.ensure_data_repository((tmp_path / "none.git").as_uri())
