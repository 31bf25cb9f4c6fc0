from __future__ import annotations

import pytest

from pipeline.origin.git_command import git_trouble


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("error: unable to write file: No space left on device", "NCNC_HOME"),
        ("remote: error: unable to write: No space left on device\n ! [remote rejected]", "NCNC_DATA_REPOSITORY"),
        ("fatal: http://h/x.git/info/refs not valid: is this a git repository?", "NCNC_DATA_REPOSITORY"),
    ],
)
def test_a_full_disk_here_is_told_from_one_at_the_origin(said: str, remedy: str) -> None:
    assert remedy in str(git_trouble(("push", "http://h/x.git"), said))


def test_no_part_of_a_password_is_told() -> None:
    told = str(git_trouble(("fetch", "https://bob:s3#cr?et@h/x.git"), "URL rejected: bad port s3, cr?et"))
    assert "`git fetch https://h/x.git` failed" in told
    assert not [part for part in ("s3#", "s3,", "cr?et", "bob") if part in told]
