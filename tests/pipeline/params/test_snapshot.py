from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.errors import InvalidInput
from pipeline.params.params import Params

ROOT = Path(__file__).parents[3]


def test_only_checks_with_a_threshold_may_be_taken_down_to_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("snapshot: {warn_only: [degree_shift, orphan]}")
    with pytest.raises(
        InvalidInput, match=r"snapshot\.warn_only: .*'orphan' cannot be in warn_only.*Did you mean orphans\?"
    ):
        Params.load(path)
    path.write_text("snapshot: {warn_only: [degree_shift, orphans]}")
    assert Params.load(path).snapshot.warn_only == ("degree_shift", "orphans")


def test_feature_bounds_stand_in_order(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("snapshot: {feature_minimum: 2, feature_maximum: 1}")
    with pytest.raises(InvalidInput, match=r"feature_minimum 2 is above feature_maximum 1\. Exchange them"):
        Params.load(path)


def test_every_example_of_the_page_on_sources_is_a_params_file(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs" / "sources.md").read_text(), flags=re.M | re.S)
    assert len(blocks) >= 4
    for block in blocks:
        (tmp_path / "params.yaml").write_text(block)
        Params.load(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("half", "message"),
    [
        ("weight_column: w", r"weight_column is w and minimum_weight None: set both, or neither.*Change it"),
        ("edge_types: [call]", r"type_column is None and edge_types \['call'\]: set both, or neither.*Change it"),
    ],
)
def test_half_a_choice_of_rows_is_refused(tmp_path: Path, half: str, message: str) -> None:
    (tmp_path / "params.yaml").write_text(f"snapshot: {{{half}}}\n")
    with pytest.raises(InvalidInput, match=message):
        Params.load(tmp_path / "params.yaml")
