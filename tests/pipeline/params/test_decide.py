from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from pipeline.errors import InvalidInput
from pipeline.params.decide import SLICES, DecideParams
from pipeline.params.params import Params
from pipeline.records.floor import FLOOR_NAMES
from pipeline.records.scores import SliceKind


def load(folder: Path, settings: str) -> DecideParams:
    path = folder / "params.yaml"
    path.write_text(f"decide: {{{settings}}}")
    return Params.load(path).decide


@pytest.mark.parametrize(
    ("settings", "value_and_remedy"),
    [
        ("mode: non_inferiority, margin: 0", "margin 0, which is superiority.*Set decide.mode: superiority, or a"),
        (
            "mode: non_inferiority, margin: 0.05, slice_margin: 0.02",
            "slice_margin 0.02 is below margin 0.05.*Set slice_margin to 0.05 or more",
        ),
        (
            "evidence: accumulated, mode: non_inferiority",
            "accumulated with mode non_inferiority.*Set decide.evidence: night, or decide.mode: superiority",
        ),
        ("evidence: nightly", "evidence: .*nightly.*Change it in params.yaml"),
        ("floor: []", r"\[\] is no floor. Name at least one of common_neighbors"),
        ("floor: [adamic_ader]", "'adamic_ader' is not a member of the floor. Did you mean adamic_adar"),
        ("floor: [boosted_tree]", "'boosted_tree' is not a member of the floor. Did you mean boosted_trees"),
        ("floor: [adamic_adar, adamic_adar]", "adamic_adar is named 2 times. Name it once"),
        ("guarded_slices: [node_age/colt]", "'node_age/colt' is not a slice.*Did you mean node_age/cold"),
        ("guarded_slices: [age]", "'age' is not a slice, nor a kind.*Did you mean node_age"),
        ("guarded_slices: [degree, degree/1-2]", "degree/1-2 is guarded already by degree. Leave one of them out"),
        ("margin: -0.1", "margin: .*-0.1.*Change it in params.yaml"),
        ("margin: 1.5", "margin: .*1.5.*Change it in params.yaml"),
        ("slice_margin: 1", "slice_margin: .*1.*Change it in params.yaml"),
        ("minimum_slice_edges: 1", "minimum_slice_edges: .*1.*Change it in params.yaml"),
        ("edges: cold", "edges: .*cold.*Change it in params.yaml"),
        ("minimum_test_edges: 0", "minimum_test_edges: .*0.*Change it in params.yaml"),
        ("maximum_calibration_error: 0", "maximum_calibration_error: .*0.*Change it in params.yaml"),
        ("data_checks: none", "data_checks: .*none.*Change it in params.yaml"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused_with_value_and_remedy(
    tmp_path: Path, settings: str, value_and_remedy: str
) -> None:
    with pytest.raises(InvalidInput, match=value_and_remedy):
        load(tmp_path, settings)


@pytest.mark.parametrize(
    "settings",
    [
        "margin: 0",  # in superiority the margin plays no part
        "mode: non_inferiority, margin: 0.1, guarded_slices: []",  # nothing is guarded that the margin could break
        "mode: non_inferiority, margin: 0.05, slice_margin: 0.05",
        "maximum_calibration_error: null",
    ],
)
def test_a_policy_without_contradiction_is_taken(tmp_path: Path, settings: str) -> None:
    load(tmp_path, settings)


def test_the_floor_is_everything_unless_it_is_named_and_four_names_mean_those_four(tmp_path: Path) -> None:
    four = "common_neighbors, adamic_adar, resource_allocation, preferential_attachment"
    assert load(tmp_path, f"floor: [{four}]").floor == tuple(four.split(", ")) == FLOOR_NAMES[:4]
    assert load(tmp_path, "").floor == FLOOR_NAMES
    assert Params.load(Path(__file__).parents[3] / "params.yaml").decide.floor == FLOOR_NAMES


def test_a_slice_is_guarded_by_its_name_or_its_kind() -> None:
    params = DecideParams(guarded_slices=("degree", "node_age/cold"))
    assert params.guards("degree/1-2")
    assert params.guards("node_age/cold")
    assert not params.guards("node_age/new")
    assert not params.guards("component/same")


def test_activity_is_guarded_only_where_it_is_named() -> None:
    assert not DecideParams().guards("activity/never")
    assert DecideParams(guarded_slices=("activity/never",)).guards("activity/never")


def test_every_kind_of_slice_has_its_names() -> None:
    assert set(SLICES) == set(get_args(SliceKind))
