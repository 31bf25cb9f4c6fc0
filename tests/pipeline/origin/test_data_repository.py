import subprocess
from pathlib import Path

import pytest

from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.origin.data_repository import create_data_repository


def show(origin: Path, path: str) -> str:
    answer = subprocess.run(
        ["git", "-C", str(origin), "show", f"main:{path}"], capture_output=True, text=True, check=True
    )
    return answer.stdout


def test_new_repository_names_its_remote_and_verifies_reads(tmp_path: Path) -> None:
    origin = tmp_path / "data.git"
    create_data_repository(str(origin), str(tmp_path / "remote"))
    config = show(origin, ".dvc/config")
    assert f"url = {tmp_path / 'remote'}" in config
    assert "verify = true" in config
    assert "analytics = false" in config


def test_creating_twice_changes_nothing(tmp_path: Path) -> None:
    origin = tmp_path / "data.git"
    for _ in range(2):
        create_data_repository(str(origin), "s3://bucket/graphs")
    count = subprocess.run(["git", "-C", str(origin), "rev-list", "--count", "main"], capture_output=True, check=True)
    assert count.stdout.strip() == b"1"
    assert "url = s3://bucket/graphs" in show(origin, ".dvc/config")


def test_other_remote_is_refused(tmp_path: Path) -> None:
    create_data_repository(str(tmp_path / "data.git"), "s3://one")
    with pytest.raises(InvalidInput, match=r"another DVC configuration.*s3://one.*Set NCNC_DVC_REMOTE"):
        create_data_repository(str(tmp_path / "data.git"), "s3://two")


def test_empty_bare_repository_by_url_is_set_up(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "bare.git")], check=True)
    create_data_repository(f"file://{tmp_path}/bare.git", "s3://bucket")
    assert "s3://bucket" in show(tmp_path / "bare.git", ".dvc/config")


def test_url_that_does_not_answer_is_trouble_outside(tmp_path: Path) -> None:
    with pytest.raises(OutsideTrouble, match=r"127\.0\.0\.1:1.*Check that the data repository's origin"):
        create_data_repository("git://127.0.0.1:1/data.git", str(tmp_path / "remote"))


@pytest.mark.parametrize(
    "url", ["s3://key:hunter2@bucket/graphs", "https://hunter2@store/graphs", "https://u:hunt#er2/x@store/graphs"]
)
def test_remote_with_credentials_in_its_url_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidInput, match=r"://\*\*\*@(bucket|store)/graphs.*AWS_SECRET_ACCESS_KEY") as caught:
        create_data_repository(str(tmp_path / "data.git"), url)
    assert "hunt" not in str(caught.value)
    assert not (tmp_path / "data.git").exists()
