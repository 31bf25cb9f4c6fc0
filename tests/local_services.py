"""The services a night's machines share, each on a free port of this one: git, MLflow, an S3 store; and PostgreSQL."""

from __future__ import annotations

import base64
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import adbc_driver_manager
import adbc_driver_postgresql.dbapi
import pytest

START_SECONDS = 180


def free_port() -> int:
    """Return a port on which nobody listens, outside the range that outgoing connections of other tests draw from."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def running(argv: Sequence[str], log: Path, port: int, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run a server until the block ends, entered once its port answers; its whole process group ends with it."""
    with log.open("w") as stream:
        process = subprocess.Popen(
            argv, stdout=stream, stderr=stream, start_new_session=True, env={**os.environ, **(environment or {})}
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


@contextmanager
def git_daemon(folder: Path) -> Iterator[str]:
    """Serve one empty bare repository, and take pushes to it."""
    served = folder / "git"
    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", served / "graph-data.git"], check=True)
    port = free_port()
    argv = ["git", "daemon", "--listen=127.0.0.1", f"--port={port}", "--export-all", "--enable=receive-pack"]
    with running([*argv, f"--base-path={served}", str(served)], folder / "git.log", port):
        yield f"git://127.0.0.1:{port}/graph-data.git"


@contextmanager
def git_over_http(folder: Path, user: str, password: str) -> Iterator[str]:
    """Serve one empty bare repository to one user; yields its URL without the credentials."""
    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", folder / "graph-data.git"], check=True)
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.headers.get("Authorization") != wanted:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="data"')
                self.end_headers()
                return
            path, _, query = self.path.partition("?")
            environment = {
                "GIT_PROJECT_ROOT": str(folder), "GIT_HTTP_EXPORT_ALL": "1", "REMOTE_USER": user, "PATH_INFO": path,
                "QUERY_STRING": query, "REQUEST_METHOD": self.command, "PATH": os.environ["PATH"],
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            }  # fmt: skip
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = subprocess.run(
                ["git", "http-backend"], input=body, env=environment, capture_output=True, check=True
            ).stdout
            head, _, content = answer.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(headers.pop("Status", "200").split()[0]))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the name is http.server's

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/graph-data.git"
    finally:
        server.shutdown()


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Serve tracking, registry and artifacts."""
    port = free_port()
    argv = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    argv += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--serve-artifacts"]
    argv += ["--artifacts-destination", str(folder / "mlflow-artifacts")]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with running(argv, folder / "mlflow.log", port, quiet):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def s3_store(folder: Path, bucket: str) -> Iterator[dict[str, str]]:
    """Serve an S3 store with one empty bucket; yields the environment that reaches it."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    access = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }
    with running([sys.executable, "-m", "moto.server", "-p", str(port)], folder / "s3.log", port):
        made = urllib.request.Request(f"{endpoint}/{bucket}", method="PUT")  # noqa: S310 - our own address
        urllib.request.urlopen(made, timeout=30).close()  # noqa: S310
        yield access


def postgres_url() -> str:
    """Return the server for tests, from NCNC_TEST_POSTGRES_URL or else on localhost; a test without one is skipped.

    In continuous integration (CI=true) it fails instead: what is never run there is not tested.
    """
    given = os.environ.get("NCNC_TEST_POSTGRES_URL")
    url = given or "postgresql://postgres@127.0.0.1:5432/test"
    try:
        with adbc_driver_postgresql.dbapi.connect(url):
            return url
    except adbc_driver_manager.Error as error:
        reason = f"no PostgreSQL at {'NCNC_TEST_POSTGRES_URL' if given else 'localhost'}: {type(error).__name__}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI=true asks for one. Start it, or set NCNC_TEST_POSTGRES_URL.")
    pytest.skip(f"{reason}. Start it, or set NCNC_TEST_POSTGRES_URL.")


@contextmanager
def postgres_schema(url: str) -> Iterator[tuple[str, Callable[[str], None]]]:
    """Give an empty schema of a name of its own and a function that runs SQL in it; drops it afterwards."""
    schema = f"ncnc_{uuid.uuid4().hex[:12]}"
    with adbc_driver_postgresql.dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {schema}")
        cursor.execute(f"SET search_path TO {schema}")

        def run(statement: str) -> None:
            cursor.execute(statement)

        try:
            yield schema, run
        finally:
            cursor.execute(f"DROP SCHEMA {schema} CASCADE")


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
