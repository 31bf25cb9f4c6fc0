import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.errors import InvalidInput
from pipeline.origin.claims import Claims


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    path = tmp_path / "served" / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    return path


@pytest.fixture
def served(bare: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    daemon = subprocess.Popen(
        ["git", "daemon", "--export-all", "--enable=receive-pack", "--listen=127.0.0.1", f"--port={port}",
         f"--base-path={bare.parent}", str(bare.parent)],
    )  # fmt: skip
    url = f"git://127.0.0.1:{port}/{bare.name}"
    try:
        for _ in range(100):
            if subprocess.run(["git", "ls-remote", url], capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.05)
        yield url
    finally:
        daemon.terminate()
        daemon.wait(timeout=10)


def test_first_taker_holds_the_claim_and_may_take_it_again(bare: Path, tmp_path: Path) -> None:
    claims = Claims(str(bare), tmp_path / "home")
    assert claims.holder("version/demo/abc") is None
    assert claims.take("version/demo/abc", "night-1")
    assert claims.take("version/demo/abc", "night-1")
    assert not claims.take("version/demo/abc", "night-2")
    assert claims.take("version/demo/abcd", "night-2")
    assert claims.holder("version/demo/abc") == "night-1"


def test_of_eight_concurrent_takers_exactly_one_wins(bare: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:  # a home each, so that each has a clone of its own, as processes have
        won = list(pool.map(lambda n: Claims(str(bare), tmp_path / f"home{n}").take("race", f"owner-{n}"), range(8)))
    assert sum(won) == 1
    assert Claims(str(bare), tmp_path / "home").holder("race") == f"owner-{won.index(True)}"


def test_concurrent_takers_over_a_socket_have_one_winner(served: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(lambda n: Claims(served, tmp_path / f"home{n}").take("race", f"owner-{n}"), range(4)))
    assert sum(won) == 1
    assert Claims(served, tmp_path / "other").holder("race") == f"owner-{won.index(True)}"


@pytest.mark.parametrize("name", ["", "a b", "a..b", "a.lock", "/a", "a/", "a:b", "a/.b"])
def test_name_that_makes_no_ref_is_refused(bare: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"makes no git ref. Use letters"):
        Claims(str(bare), tmp_path).take(name, "owner")


def test_claim_needs_an_owner(bare: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"needs an owner, but got ' '. Pass the run's name"):
        Claims(str(bare), tmp_path).take("a", " ")
