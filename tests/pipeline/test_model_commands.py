from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import typer.testing

from ncnc_core.link_model import LinkModel
from pipeline.cli import app
from tests.house import House
from tests.registered_model import register


def test_explanation_is_whole_in_json_and_short_for_a_person(house: House, make_model: Callable[..., Path]) -> None:
    folder = make_model([10, 20, 30, 40])
    code, line = house.call("explain", str(folder), "--source", "10", "--target", "30", "--json")
    expected = LinkModel.load(folder).explain(10, 30)
    assert code == 0
    assert (line["source"], line["target"], line["score"]) == (10, 30, expected.score)
    assert [part["node"] for part in line["neighbors"]] == [part.node for part in expected.neighbors]  # type: ignore[attr-defined]
    result = typer.testing.CliRunner().invoke(app, ["explain", str(folder), "--source", "10", "--target", "30"])
    assert result.stderr.strip() == str(expected).strip()
    assert '"neighbors": ' in result.stdout


def test_a_registered_model_is_asked_by_its_alias_or_version(house: House, make_model: Callable[..., Path]) -> None:
    folder, registry = make_model(), house.doors.registry
    register(registry, "small", folder)
    expected = LinkModel.load(folder).explain(10, 30).score
    for name in ("small@champion", "small@1"):
        code, line = house.call("explain", name, "--source", "10", "--target", "30")
        assert (code, line["score"]) == (0, expected)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("explain", "{folder}", "--source", "99", "--target", "10"), r"unknown to the model \(first: 99\)"),
        (("explain", "{folder}", "--source", "10", "--target", "10"), r"join a node with itself.*Leave them out"),
        (
            ("explain", "nowhere", "--source", "10", "--target", "20"),
            r"'nowhere' is none\. For example nowhere@champion",
        ),
        (("explain", "{empty}", "--source", "10", "--target", "20"), r"lacks model\.json\. Give the folder"),
        (("explain", "small@champion", "--source", "10", "--target", "20"), r"has no alias 'champion'; it has: none"),
    ],
)
def test_wrong_input_ends_2_with_the_remedy(
    house: House, make_model: Callable[..., Path], tmp_path: Path, argv: tuple[str, ...], message: str
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    words = [word.format(folder=make_model(), empty=empty) for word in argv]
    result = house.runner.invoke(app, words, standalone_mode=False, env=house.values)
    assert getattr(result.exception, "exit_code", None) == 2
    with pytest.raises(type(result.exception), match=message):  # type: ignore[arg-type]
        raise result.exception  # type: ignore[misc]
