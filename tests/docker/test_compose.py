"""The deployment's files: what a container engine would only say at the first start, or never."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.environment import SWITCHES
from tests.fixtures.compose_processes import image_environment

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
COMPOSE = (DOCKER / "compose.yaml").read_text()
CUDA = (DOCKER / "compose.cuda.yaml").read_text()
ENV_EXAMPLE = (DOCKER / ".env.example").read_text()
DOCKERFILES = sorted(DOCKER.glob("*.Dockerfile"))
WORKERS = ("worker-default", "worker-gpu", "worker-urgent")
OUR_IMAGES = ("ncnc-airflow:", "ncnc-worker:")
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z0-9_]+)")

Services = dict[str, dict[str, Any]]  # Any: YAML of the compose schema, which check-jsonschema validates


def services(text: str = COMPOSE) -> Services:
    content: dict[str, Services] = yaml.safe_load(text)
    return content["services"]


def documented(text: str = ENV_EXAMPLE) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


def undocumented_variables(compose: str, env_example: str) -> set[str]:
    """Return the variables that only one of the two files knows."""
    return set(VARIABLE.findall(compose)) ^ set(documented(env_example))


def unpinned_images(compose: str) -> list[str]:
    """Return the services whose image has no tag that stays what it is."""
    bad = []
    for name, service in services(compose).items():
        tag = service["image"].partition(":")[2]
        if not (tag.startswith("${NCNC_IMAGE_TAG") or re.match(r"\d+\.\d", tag)):
            bad.append(name)
    return bad


def shared_volumes(compose: str) -> set[str]:
    """Return the named volumes and folders that more than one service can write to."""
    mounts = [
        mount.split(":")[0]
        for service in services(compose).values()
        for mount in service.get("volumes", [])
        if not mount.endswith(":ro")
    ]
    return {source for source in mounts if mounts.count(source) > 1}


def unhealthy_dependencies(compose: str) -> list[str]:
    """Return the dependencies that do not wait, or wait for a health that nothing reports."""
    found = services(compose)
    bad = []
    for name, service in found.items():
        for target, how in service.get("depends_on", {}).items():
            one_shot = "restart" not in found[target]
            if how["condition"] != ("service_completed_successfully" if one_shot else "service_healthy"):
                bad.append(f"{name} -> {target}: {how['condition']}")
            if not one_shot and "healthcheck" not in found[target]:
                bad.append(f"{target} has no healthcheck")
    return bad


def filled_secrets(env_example: str) -> list[str]:
    """Return the secrets that the example file gives a value."""
    secret = re.compile(r"PASSWORD|SECRET|FERNET|_KEY$|KEY_ID|TOKEN")
    return [name for name, value in documented(env_example).items() if secret.search(name) and value]


def queues(compose: str) -> set[str]:
    """Return the queues that some worker listens to."""
    commands = [service.get("command", []) for service in services(compose).values()]
    return {part.removeprefix("--queues=") for command in commands for part in command if "--queues=" in part}


def reads_of(path: Path) -> set[str]:
    """Return the names of the project's environment variables that a source file mentions."""
    return set(re.findall(r"\b(?:NCNC|MLFLOW)_[A-Z_]*[A-Z]\b", path.read_text()))


def run_tool(*argv: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).parent / argv[0])
    return subprocess.run([program, *argv[1:]], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", ["compose.yaml", "compose.cuda.yaml"])
def test_compose_files_fit_the_compose_schema(name: str) -> None:
    answer = run_tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(DOCKER / name))
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_dockerfiles_pass_hadolint(path: Path) -> None:
    answer = run_tool("hadolint", str(path))
    assert answer.returncode == 0, answer.stdout


def test_every_variable_is_documented_and_every_documented_variable_is_used() -> None:
    assert undocumented_variables(COMPOSE + CUDA, ENV_EXAMPLE) == set()


def test_every_documented_variable_has_a_comment_above_it() -> None:
    for block in ENV_EXAMPLE.split("\n\n"):
        lines = block.splitlines()
        assert lines[0].startswith("#"), f"{lines[0]} has no comment"


def test_the_example_holds_no_secret_and_compose_has_no_default_for_one() -> None:
    assert filled_secrets(ENV_EXAMPLE) == []
    empty = [name for name, value in documented().items() if not value]
    optional = {
        "NCNC_GIT_COMMIT",  # an image that somebody builds by hand records none
        "PIP_INDEX_OPTIONS",
        "TORCH_INDEX_OPTIONS",
        "NCNC_SOURCE_NODES",
        "NCNC_SOURCE_SPLIT",
        "NCNC_TUNE_STORAGE",
        "AIRFLOW_CONN_NCNC_NOTIFY",  # the log has it
    }
    for name in set(empty) - optional:
        assert f"${{{name}:?}}" in COMPOSE, f"{name} may be left empty without anyone noticing"


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_has_every_variable_that_the_steps_and_the_operator_read(worker: str) -> None:
    needed = reads_of(ROOT / "pipeline" / "environment.py") - set(SWITCHES)  # set by the code where nobody did
    for path in (ROOT / "dags").rglob("*.py"):
        needed |= reads_of(path)
    needed -= {"NCNC_RUNNER_PID"}  # set by the operator, for the step that it starts
    needed -= {"NCNC_SIMULATED_TIME"}  # for played nights alone: here they are real
    assert {"NCNC_HOME", "NCNC_DATA_REPOSITORY", "MLFLOW_TRACKING_URI"} <= needed
    given = set(services()[worker]["environment"]) | set(image_environment(DOCKER / "worker.Dockerfile"))
    assert needed - given == set()


def test_the_dag_is_parsed_with_the_same_schedule_everywhere() -> None:
    for name in ("scheduler", "dag-processor", *WORKERS):
        assert services()[name]["environment"]["NCNC_SCHEDULE"] == "${NCNC_SCHEDULE:?}"


def test_some_worker_listens_to_each_queue_that_the_dag_names() -> None:
    named = {"default"}
    for path in (ROOT / "dags").glob("*.py"):
        named |= set(re.findall(r'queue="(\w+)"', path.read_text()))
    assert named == {"default", "gpu", "urgent"}
    assert queues(COMPOSE) == named


def test_workers_hold_no_key_to_airflows_database_or_tokens() -> None:
    for worker in WORKERS:
        text = yaml.safe_dump(services()[worker])
        for secret in ("POSTGRES_AIRFLOW", "POSTGRES_MLFLOW", "POSTGRES_PASSWORD", "JWT", "FERNET", "ADMIN"):
            assert secret not in text, f"{worker} is given {secret}"


def test_celery_is_told_its_result_backend_aloud() -> None:
    for name in ("scheduler", *WORKERS):
        assert "/celery" in services()[name]["environment"]["AIRFLOW__CELERY__RESULT_BACKEND"]


def test_no_image_is_without_a_tag_that_stays() -> None:
    assert unpinned_images(COMPOSE) == []


def test_services_share_no_disk() -> None:
    assert shared_volumes(COMPOSE) == set()


def test_what_must_be_up_is_waited_for() -> None:
    assert unhealthy_dependencies(COMPOSE) == []


def test_every_service_that_stays_reports_its_health() -> None:
    assert [name for name, item in services().items() if "restart" in item and "healthcheck" not in item] == []


def test_pages_are_published_to_this_host_only() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_nothing_that_we_build_runs_as_root() -> None:
    for path in DOCKERFILES:
        users = re.findall(r"^USER (\S+)", path.read_text(), re.MULTILINE)
        assert users, f"{path.name} has no USER"
        assert users[-1] == "50000", f"{path.name} ends as {users[-1]}"  # by number: readable without /etc/passwd
    for name, service in services().items():
        if service["image"].startswith(OUR_IMAGES):
            assert "user" not in service, name
            assert "privileged" not in service, name


def test_the_images_name_no_index_and_are_told_one_by_argument() -> None:
    for path in DOCKERFILES:
        text = path.read_text()
        assert re.search(r"^ARG PIP_INDEX_OPTIONS$", text, re.MULTILINE), path.name
        assert "://" not in text, path.name


def test_the_airflow_image_is_a_subset_of_the_lock_file_without_torch() -> None:
    lock = {line.partition("==")[0] for line in (ROOT / "requirements.lock").read_text().splitlines()}
    lines = (DOCKER / "airflow-requirements.txt").read_text().splitlines()
    names = {line for line in lines if not line.startswith("#")}
    assert "apache-airflow-providers-celery" in names
    assert names <= lock
    assert not names & {"torch", "torch-geometric", "mlflow", "dvc", "ibis-framework"}


def test_the_worker_image_installs_the_torch_that_was_tested() -> None:
    version = re.search(r"^ARG TORCH_VERSION=(\S+)$", (DOCKER / "worker.Dockerfile").read_text(), re.MULTILINE)
    assert version is not None
    assert version[1] == importlib.metadata.version("torch").partition("+")[0]


def test_the_build_context_holds_what_the_images_copy_and_nothing_else() -> None:
    allowed = {line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    copied = set()
    for path in DOCKERFILES:
        for line in re.findall(r"^COPY (.+) \S+$", path.read_text(), re.MULTILINE):
            copied |= {source.rstrip("/") for source in line.split()}
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


def test_no_health_check_imports_airflow() -> None:
    """It would take 2.9 seconds of processor time each time, for a question that needs a tenth of one."""
    checks = {name: " ".join(item["healthcheck"]["test"]) for name, item in services().items() if "healthcheck" in item}
    assert {"scheduler", "triggerer", *WORKERS} <= checks.keys()
    assert not [name for name, check in checks.items() if re.search(r"\bairflow\b", check)]


def secrets_on_command_lines(compose: str) -> list[str]:
    """Return the services whose command is given a secret: every process of the host can read a command line."""
    given = {name: str(service.get("command", "")) for name, service in services(compose).items()}
    return [name for name, command in given.items() if re.search(r"(?<!\$)\$\{\w*(?:PASSWORD|SECRET|KEY)", command)]


def test_no_secret_is_on_a_command_line() -> None:
    assert secrets_on_command_lines(COMPOSE) == []
    assert not re.search(r"(?:password|secret)[^ ]*=\"?\$", (DOCKER / "postgres-init.sh").read_text())


def test_the_cuda_overlay_changes_the_gpu_worker_alone() -> None:
    overlay = services(CUDA)
    assert list(overlay) == ["worker-gpu"]
    assert overlay["worker-gpu"]["build"]["args"]["DEVICE"] == "cuda"
    assert services()["worker-gpu"]["build"]["args"]["DEVICE"] == "cpu"


@pytest.mark.parametrize(
    "module",
    [
        # celery 5.7 dropped celery.backends.database.retry, which the provider imports; its metadata allows 5.7.
        "airflow.providers.celery.executors.celery_executor",
        "airflow.providers.celery.cli.celery_command",
        "airflow.providers.postgres.hooks.postgres",
        "airflow.providers.standard.hooks.subprocess",
    ],
)
def test_every_provider_module_in_use_imports(module: str) -> None:
    importlib.import_module(module)


FAULTS: list[tuple[str, Callable[[], object]]] = [
    ("${REDIS_PASS:?}", lambda: undocumented_variables(COMPOSE + "\n# ${REDIS_PASS:?}", ENV_EXAMPLE)),
    ("left over in the example", lambda: undocumented_variables(COMPOSE + CUDA, ENV_EXAMPLE + "\nOLD_PORT=1\n")),
    ("image: latest", lambda: unpinned_images(COMPOSE.replace("postgres:17.7-bookworm", "postgres:latest"))),
    ("image without a tag", lambda: unpinned_images(COMPOSE.replace("redis:8.2.3-bookworm", "redis"))),
    ("one home for two workers", lambda: shared_volumes(COMPOSE.replace("worker-gpu-home:/", "worker-default-home:/"))),
    ("started, not healthy", lambda: unhealthy_dependencies(COMPOSE.replace("service_healthy", "service_started", 1))),
    ("a secret in a command", lambda: secrets_on_command_lines(COMPOSE.replace("$$REDISCLI", "${REDIS_PASSWORD:?}"))),
    ("a secret with a value", lambda: filled_secrets(ENV_EXAMPLE.replace("JWT_SECRET=", "JWT_SECRET=hunter2"))),
]


@pytest.mark.parametrize(("fault", "finding"), FAULTS, ids=[name for name, _ in FAULTS])
def test_a_planted_fault_is_found(fault: str, finding: Callable[[], object]) -> None:
    assert finding(), fault


def test_a_queue_without_a_worker_is_found() -> None:
    assert queues(COMPOSE.replace("--queues=gpu", "--queues=default")) == {"default", "urgent"}
