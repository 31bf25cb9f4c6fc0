from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.errors import InvalidInput
from pipeline.params.file import Section
from pipeline.params.params import Params


def load(tmp_path: Path, text: str) -> Params:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return Params.load(path)


@pytest.mark.parametrize(
    ("text", "where", "nearest"),
    [
        ("trian: {}", "trian", "train"),  # a section
        ("split: {sead: 1}", "split.sead", "seed"),  # a key
        ("train: {model: {hiden_channels: 8}}", "train.model.hiden_channels", "hidden_channels"),  # two levels down
        ("train: {training: {epoch: 3}}", "train.training.epoch", "epochs"),
        ("registr: {}", "registr", "register"),  # the alias, not the field's own name
        ("register_: {}", "register_", "register"),
        ("hidden_channels: 8", "hidden_channels", "train.model.hidden_channels"),  # a key of another level
        ("split: {epochs: 3}", "split.epochs", "train.training.epochs"),
        ("train: {xyzzy: 1}", "train.xyzzy", "training"),  # whatever it was, a known key is offered
    ],
)
def test_a_misspelt_key_is_refused_and_its_nearest_neighbour_named(
    tmp_path: Path, text: str, where: str, nearest: str
) -> None:
    with pytest.raises(InvalidInput, match=rf"{where} is no parameter\. Did you mean [\w.]+\?") as error:
        load(tmp_path, text)
    if where != "train.xyzzy":
        assert f"Did you mean {nearest}?" in str(error.value)


def test_every_wrong_setting_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"has 2 wrong setting\(s\): .*split\.sead.*epochs"):
        load(tmp_path, "split: {sead: 1}\ntrain: {training: {epochs: 0}}")


def test_a_file_that_is_not_yaml_says_the_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"not YAML(.|\n)*line 1(.|\n)*Mend the line"):
        load(tmp_path, "train: {epochs")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes(b"register: {description: caf\xe9}")
    with pytest.raises(InvalidInput, match=r"params\.yaml is not UTF-8: .*0xe9.*Save it as UTF-8"):
        Params.load(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("split: {seed: 1}\ntrain: {}\nsplit: {seed: 2}", 3, "split"),
        ("split:\n  seed: 1\n  'seed': 2", 3, "seed"),
        ("train:\n  model:\n    beta: 1\n    beta: 1", 4, "beta"),
    ],
)
def test_a_key_given_twice_is_refused(tmp_path: Path, text: str, line: int, key: str) -> None:
    with pytest.raises(InvalidInput, match=rf"params\.yaml, line {line}: {key} is given twice.*Leave one"):
        load(tmp_path, text)


def test_a_merged_key_may_be_overridden(tmp_path: Path) -> None:
    text = "split: &a {seed: 1, test_fraction: 0.2}\nevaluate: {seed: 1}"
    assert load(tmp_path, text.replace("&a {seed: 1", "{<<: {seed: 7}, seed: 1")) == load(tmp_path, text)


class Small(Section):
    share: float = 0.5


def test_a_section_is_frozen_closed_and_finite() -> None:
    section = Small()
    with pytest.raises(ValidationError, match="frozen"):
        section.share = 0.1
    with pytest.raises(ValidationError, match="Extra inputs"):
        Small.model_validate({"shared": 0.1})
    with pytest.raises(ValidationError, match="finite"):
        Small(share=float("inf"))
