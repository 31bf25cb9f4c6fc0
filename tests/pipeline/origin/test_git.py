import re
import subprocess
from pathlib import Path

import pytest

from pipeline.errors import OutsideTrouble
from pipeline.origin import git as git_origin
from pipeline.origin.git import GitOrigin


@pytest.fixture
def origin(tmp_path: Path) -> GitOrigin:
    bare = tmp_path / "origin.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(bare)], check=True)
    return GitOrigin(str(bare), tmp_path / "home")


def commit_and_push(origin: GitOrigin, text: str) -> bool:
    with origin.clone() as clone:
        clone.fetch_branch("main")
        (clone.path / "a.txt").write_text(text)
        clone.commit("Write a", "a.txt")
        return clone.push("HEAD:refs/heads/main")


def test_commit_needs_no_global_git_configuration(origin: GitOrigin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    assert commit_and_push(origin, "one")
    author = subprocess.run(
        ["git", "-C", origin.url, "log", "-1", "--format=%an <%ae>", "main"], capture_output=True, text=True, check=True
    )
    assert author.stdout.strip() == "ncnc <ncnc@localhost>"


def test_private_clone_is_gone_afterwards(origin: GitOrigin) -> None:
    commit_and_push(origin, "one")
    assert list((origin.home / "tmp").iterdir()) == []


def test_push_that_lost_the_race_says_so_and_changes_nothing(origin: GitOrigin) -> None:
    commit_and_push(origin, "one")
    with origin.clone() as late:
        late.fetch_branch("main")
        assert commit_and_push(origin, "two")
        (late.path / "a.txt").write_text("three")
        late.commit("Write a", "a.txt")
        late.git("tag", "late")
        assert not late.push("HEAD:refs/heads/main", "refs/tags/late")
    assert list(origin.refs()) == ["refs/heads/main"]


def test_unreachable_origin_is_trouble_outside_with_a_remedy(tmp_path: Path) -> None:
    missing = GitOrigin(str(tmp_path / "nowhere.git"), tmp_path / "home")
    with pytest.raises(OutsideTrouble, match=r"nowhere\.git.*Check that the data repository's origin") as caught:
        missing.refs()
    assert caught.value.exit_code == 75


def test_error_never_shows_the_credentials_of_a_url(tmp_path: Path) -> None:
    with pytest.raises(OutsideTrouble) as caught:
        GitOrigin("https://robot:hunter2@127.0.0.1:1/data.git", tmp_path).refs()
    assert "hunter2" not in str(caught.value)


def test_push_refused_by_a_hook_is_not_taken_for_a_race(origin: GitOrigin) -> None:
    hook = Path(origin.url) / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho no writing here >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(OutsideTrouble, match=r"no writing here.*may write to it"):
        commit_and_push(origin, "one")


def test_race_lost_for_ever_ends_in_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_origin, "RETRY_SECONDS", 0.2)
    with pytest.raises(OutsideTrouble, match=r"changed under \d+ pushes.*Try again"):
        for _ in git_origin.attempts():
            pass


def test_pattern_that_matches_nothing_fetches_nothing(origin: GitOrigin) -> None:
    with origin.clone() as clone:
        clone.fetch_matching("+refs/heads/main*:refs/remotes/origin/main*")
        assert clone.local_refs("refs") == ()
        commit_and_push(origin, "one")
        clone.fetch_matching("+refs/heads/main*:refs/remotes/origin/main*", "+refs/heads/none*:refs/remotes/none*")
        assert clone.local_refs("refs") == ("refs/remotes/origin/main",)


def test_pattern_is_no_excuse_for_an_origin_that_is_not_there(tmp_path: Path, origin: GitOrigin) -> None:
    with origin.clone() as clone:
        Path(origin.url).rename(tmp_path / "moved.git")
        with pytest.raises(OutsideTrouble, match=r"origin\.git.*Check that the data repository's origin"):
            clone.fetch_matching("+refs/heads/main*:refs/remotes/origin/main*")


def test_contents_of_many_files_come_as_they_were_written(origin: GitOrigin) -> None:
    text = 'Ümläut\r\n and "more"\n\nmain:b.txt missing\n'
    with origin.clone() as clone:
        clone.fetch_branch("main")
        (clone.path / "a.txt").write_bytes(text.encode())
        (clone.path / "empty.txt").write_text("")
        clone.commit("Write", "a.txt", "empty.txt")
        assert clone.contents(["main:a.txt", "main:b.txt", "main:empty.txt", "none:a.txt"]) == {
            "main:a.txt": text, "main:b.txt": None, "main:empty.txt": "", "none:a.txt": None
        }  # fmt: skip


@pytest.mark.parametrize("login", ["bob:s3cret", "bob:s3/cret", "bob:s3@cret", "s3cret"])
def test_no_message_shows_what_git_logs_in_with(tmp_path: Path, login: str) -> None:
    with pytest.raises(OutsideTrouble, match=r"`git ls-remote --refs nosuch://host/x\.git` failed") as caught:
        GitOrigin(f"nosuch://{login}@host/x.git", tmp_path).refs()
    assert not {"bob", "s3", "cret"} & set(re.split(r"\W+", str(caught.value)))


def test_a_folder_that_may_not_be_written_is_no_fault_of_the_origin(origin: GitOrigin) -> None:
    with pytest.raises(OutsideTrouble, match=r"git init.*NCNC_HOME") as caught:
        origin.new_clone(Path("/sys/ncnc"))
    assert "NCNC_DATA_REPOSITORY" not in str(caught.value)
