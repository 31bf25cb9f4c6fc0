from __future__ import annotations

from pathlib import Path

import pytest
import typer.testing

from pipeline.cli import app
from pipeline.errors import InvalidInput


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("none.csv",), r"no edge file at .*none\.csv.*Pass a Parquet or CSV file"),
        (("edges.csv", "--nodes", "none.csv"), r"no node file at none\.csv.*leave --nodes out"),
        (("edges.csv", "--set", "split.method=fixed"), r"trial is given no split\. Pass --split .*NCNC_SOURCE_SPLIT"),
        (("edges.csv", "--home", "what?"), r"home .*/what\? has a \? in its path, .*Pass --home with another folder"),
        (("edges.csv", "--home", "no#1"), r"home .*/no#1 has a # in its path"),
        (("edges.csv", "--set", "merge"), r"takes section\.key=value, not 'merge'"),
    ],
)
def test_wrong_words_are_refused_with_their_remedy(
    words: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("edges.csv").write_text("source,target\n1,2\n")
    Path("params.yaml").write_text("{}\n")
    ended = typer.testing.CliRunner().invoke(app, ["try", *words], standalone_mode=False)
    with pytest.raises(InvalidInput, match=message):
        raise ended.exception  # type: ignore[misc]
    assert [path.name for path in tmp_path.iterdir() if path.name == ".ncnc"] == []
