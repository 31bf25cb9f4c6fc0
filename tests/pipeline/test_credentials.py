from __future__ import annotations

import pytest

from pipeline.credentials import CREDENTIALS


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@host/graph.git", "https://host/graph.git"),
        ("postgresql://user:p@ss/word@host:5432/mlflow", "postgresql://host:5432/mlflow"),  # unescaped signs
        ("https://host/graph.git", "https://host/graph.git"),
        ("file:///srv/someone@host/graph.git", "file:///srv/someone@host/graph.git"),  # a path, and no login
        ("https://host/find?who=someone@host", "https://host/find?who=someone@host"),
    ],
)
def test_a_login_is_found_and_nothing_else_is(url: str, shown: str) -> None:
    assert CREDENTIALS.sub("://", url) == shown
