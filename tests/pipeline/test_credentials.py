from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pipeline.credentials import public, public_text, without_login

TOKENS = ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "k8Qz3mW9xT1rV5nB7yLc", "123e4567-e89b-12d3-a456-426614174000")


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("postgresql://bob:s3cret@host/db#schema.table", "postgresql://host/db#schema.table"),
        ("postgresql://bob:s3/c@ret@host/db?sslkey=x#t", "postgresql://host/db?...#t"),
        ("s3://key:s3cret@bucket/e.csv", "s3://bucket/e.csv"),
        ("s3://key:s3/cret@bucket/e.csv", "s3://bucket/e.csv"),
        ("https://host/e.csv?sig=s3cret", "https://host/e.csv?..."),
        ("https://host/e.csv?sig=s3)c'r\"et", "https://host/e.csv?..."),
        ("https://bob:s3@cret@host/e.csv", "https://host/e.csv"),
        ("https://bob:s3?cr#et@host/e.csv", "https://host/e.csv"),
        ("https://host:8080/e.csv?by=a@b", "https://host:8080/e.csv?..."),
        ("POSTGRESQL://bob:s3c/ret@host/db", "POSTGRESQL://host/db"),
        ("postgresql://host/db?user=bob&password=s3)c ret#t", "postgresql://host/db?...#t"),
        ("postgresql:///db?host=/run&password=s3cret#public.t", "postgresql:///db?...#public.t"),  # by a socket
        ("postgresql:///db?password=s3c@ret", "postgresql:///db?..."),
        ("sqlite:////srv/what?.db#t", "sqlite:////srv/what?.db#t"),
        ("file:///folder/me@here/e.csv", "file:///folder/me@here/e.csv"),
        ("sqlite:////folder/file.db#t", "sqlite:////folder/file.db#t"),
        ("folder/e-*.csv", "folder/e-*.csv"),
        ("https://user:secret@host/graph.git", "https://host/graph.git"),
        ("postgresql://user:p@ss/word@host:5432/mlflow", "postgresql://host:5432/mlflow"),  # unescaped signs
        ("https://bob:12#34@host/graph.git", "https://host/graph.git"),
        ("https://to#k?en@host/graph.git", "https://host/graph.git"),
        ("https://host/find?who=someone@host", "https://host/find?..."),
        ("s3://bucket/graphs@v1", "s3://bucket/graphs@v1"),
        ("https://host/mlflow#s3cret", "https://host/mlflow#..."),
        ("https://host/team/graph-data-2026.git", "https://host/team/graph-data-2026.git"),
        ("https://host/edges20261105T030000Z.parquet", "https://host/edges20261105T030000Z.parquet"),
        ("https://host/MyVeryLongProjectNameIsHere/x", "https://host/MyVeryLongProjectNameIsHere/x"),
        *((f"https://host/t/{token}/graph.git", "https://host/t/***/graph.git") for token in TOKENS),
    ],
)
def test_a_location_is_named_without_its_credentials(location: str, named: str) -> None:
    assert public(location) == named


@pytest.mark.parametrize(
    ("location", "said", "shown"),
    [
        ("postgresql://pg:s3c/ret@h/db", 'invalid integer value "s3c" for port of "pg"', 'value "***" for port of ***'),
        ("postgresql://h/db?user=bob&password=hun)ter2", 'failed for "bob" with hun)ter2', "failed for *** with ***"),
        ("postgresql://h/db?password=hun&ter2", 'missing "=" in "ter2"', 'missing "=" in "***"'),
        ("postgresql:///db?password=hunter2", "refused hunter2", "refused ***"),
        ("postgresql://bob:p%40ss@h/db", "no host ss, nor p@ss", "no host ***, nor ***"),
        ("s3://AKIA:se/cret@bucket/e.csv", 'Invalid bucket name "AKIA:se"', 'Invalid bucket name "***:***"'),
        ("https://u:p@ss@h/f.csv", "404, url=https://u:p@ss@h/f.csv", "404, url=https://h/f.csv"),
        ("https://h/f.csv?sig=a)b", "403, url='https://h/f.csv?sig=a)b'", "403, url='https://h/f.csv?..."),
        ("https://git:hunt@h/g.git", "git fetch https://git:hunt@h/g.git: hunt", "git fetch https://h/g.git: ***"),
        (f"https://h/{TOKENS[0]}/g", f"404 for /{TOKENS[0]}/g", "404 for /***/g"),
        ("https://h/g#s3cret", "no fragment s3cret", "no fragment ***"),
        ("https://h/f.csv?sig=a)b", "403 url='https://i/f.csv?sig=a)b' said", "403 url='https://i/f.csv?... said"),
    ],
)
def test_what_a_client_says_is_shown_without_any_part_of_a_secret(location: str, said: str, shown: str) -> None:
    assert shown in public_text(said, location)


def test_a_page_is_still_opened_at_the_address_without_its_login() -> None:
    assert without_login(f"https://bob:s3cret@host/{TOKENS[0]}/?x=1") == f"https://host/{TOKENS[0]}/?x=1"


PASSWORDS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=6, max_size=20)


@given(PASSWORDS, st.sampled_from(["https", "http", "ssh", "s3", "postgresql"]))
@example("12#345", "https")
@example("p?ss/w@rd", "https")
def test_no_sign_in_a_password_makes_a_part_of_it_public(password: str, scheme: str) -> None:
    assume(not password.lstrip("0123456789").startswith("/"))  # as a port and a path
    url = f"{scheme}://bob:{password}@host/graph.git"
    assert public(url) == f"{scheme}://host/graph.git"
    assert password not in public_text(f"cannot read {url} nor {password}", url)
    escaped = f"{scheme}://bob:{quote(password, safe='')}@host/graph.git"
    assert password not in public_text(f"wrong password {password} for {escaped}", escaped)
