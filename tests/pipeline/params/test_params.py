from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml

from pipeline.errors import InvalidInput
from pipeline.params.decide import DecideParams
from pipeline.params.params import Params

ROOT = Path(__file__).parents[3]


def load(tmp_path: Path, text: str) -> Params:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return Params.load(path)


def test_the_committed_params_load() -> None:
    params = Params.load(ROOT / "params.yaml")
    assert params.snapshot.graph == "demo"
    assert params.train.model.predictor == "ncnc"


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, "") == Params()


def test_frozen_params_come_back_equal_with_an_equal_digest(tmp_path: Path) -> None:
    params = Params.load(ROOT / "params.yaml")
    again = load(tmp_path, params.to_yaml())
    assert again == params
    assert again.sha256 == params.sha256


def test_a_default_written_out_has_the_digest_of_one_left_out(tmp_path: Path) -> None:
    assert load(tmp_path, "split: {seed: 0}").sha256 == Params().sha256


@pytest.mark.parametrize(
    "changed",
    [
        "snapshot: {graph: other}",
        "split: {seed: 1}",
        "train: {model: {num_layers: 2}}",
        "train: {training: {epochs: 31}}",
        "evaluate: {seed: 1}",
        "decide: {margin: 0.02}",
        "register: {description: other}",
    ],
)
def test_every_section_but_resources_enters_the_digest(tmp_path: Path, changed: str) -> None:
    assert load(tmp_path, changed).sha256 != Params().sha256


def test_frozen_parameters_keep_their_digest_whatever_parameters_a_later_version_has(tmp_path: Path) -> None:
    frozen = tmp_path / "params.yaml"
    changed = Params.load(ROOT / "params.yaml").model_copy(update={"decide": DecideParams(margin=1e-05)})
    for params in (Params(), Params.load(ROOT / "params.yaml"), changed):
        frozen.write_text(params.to_yaml())
        assert Params.sha256_of(frozen) == params.sha256
    content = yaml.safe_load(frozen.read_text())
    del content["decide"]["mode"]  # a version that had one parameter less
    frozen.write_text(yaml.safe_dump(content, sort_keys=False))
    assert Params.sha256_of(frozen) != Params.load(frozen).sha256
    recorded = changed.model_dump_json(exclude={"resources": True, "refresh": True, "decide": {"mode"}}, by_alias=True)
    assert Params.sha256_of(frozen) == hashlib.sha256(recorded.encode()).hexdigest()


@pytest.mark.parametrize("metric", ["mrr", "auc", "average_precision", "hits@1", "hits@100"])
def test_any_of_the_selection_metrics_is_taken(tmp_path: Path, metric: str) -> None:
    assert load(tmp_path, f"train: {{selection_metric: {metric}}}").train.selection_metric == metric


def test_resources_stay_outside_the_digest(tmp_path: Path) -> None:
    assert load(tmp_path, "resources: {device: cuda, threads: 8}").sha256 == Params().sha256


@pytest.mark.parametrize(
    ("text", "where", "value"),
    [
        ("snapshot: {graph: 'Bad Name'}", "snapshot.graph", "Bad Name"),
        ("snapshot: {minimum_edge_ratio: 1.5}", "snapshot.minimum_edge_ratio", "1.5"),
        ("split: {test_fraction: 0.5}", "split.test_fraction", "0.5"),  # the bound itself is out
        ("split: {negatives_per_edge: 7}", "split.negatives_per_edge", "7 do not divide into 2 equal kinds.*take 6"),
        ("split: {negatives_per_edge: 0}", "split.negatives_per_edge", "0"),
        ("split: {negative_kinds: []}", "split.negative_kinds", "name at least one of uniform"),
        ("split: {negative_kinds: [hard, hard]}", "split.negative_kinds", "each at most once"),
        (
            "split: {method: fixed, negative_kinds: [historical]}",
            "split",
            "Leave historical out, or set split.method to",
        ),
        ("split: {negative_kinds: [easy]}", "split.negative_kinds.0", "easy"),
        (
            "split: {negative_kinds: [uniform, degree_matched, hard], negatives_per_edge: 50}",
            "split.negatives_per_edge",
            r"50 do not divide into 3 equal kinds \(uniform, degree_matched, hard\): take 48",
        ),
        ("train: {selection_metric: hits@0}", "train.selection_metric", "hits@0"),
        ("train: {training: {target_link_removal: true}}", "train.training.target_link_removal", "True"),
        ("train: {training: {epochs: 0}}", "train.training.epochs", "0"),
        ("train: {model: {predictor: gnn}}", "train.model.predictor", "gnn"),
        ("evaluate: {confidence: 1}", "evaluate.confidence", "1"),
        ("evaluate: {staleness: [7, 1, 7]}", "evaluate.staleness", r"once, the least first: \[1, 7\] .*\[7, 1, 7\]"),
        ("evaluate: {staleness: [0, 1]}", "evaluate.staleness.0", "greater than or equal to 1 .*0"),
        ("evaluate: {staleness: [1, 2, 3, 4, 5, 6]}", "evaluate.staleness", r"at most 5 items .*\[1, 2, 3, 4, 5, 6\]"),
        ("decide: {mode: hope}", "decide.mode", "hope"),
        ("resources: {device: tpu}", "resources.device", "tpu"),
        ("split: 3", "split", "3"),
        (f"split: {{seed: {2**63}}}", "split.seed", str(2**63)),  # no int64: torch would end in an OverflowError
        (f"evaluate: {{seed: {2**63}}}", "evaluate.seed", str(2**63)),
        (f"train: {{training: {{seed: {2**63}}}}}", "train.training.seed", str(2**63)),
        ("snapshot: {maximum_edge_ratio: .inf}", "snapshot.maximum_edge_ratio", "inf"),
        ("snapshot: {minimum_edges: 0}", "snapshot.minimum_edges", "0"),
        ("decide: {margin: .nan}", "decide.margin", "nan"),
        ("train: {model: {beta: .nan}}", "train.model.beta", "nan"),
        ("train: {training: {gradient_clip_norm: .inf}}", "train.training.gradient_clip_norm", "inf"),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_the_value_and_the_file(
    tmp_path: Path, text: str, where: str, value: str
) -> None:
    with pytest.raises(InvalidInput, match=rf"{where}: .*{value}.*Change it in params\.yaml"):
        load(tmp_path, text)


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=rf"no params file at {tmp_path}/params\.yaml\. Copy params\.yaml"):
        Params.load(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    ("text", "kind"),
    [("- train", "list"), ("[]", "list"), ("false", "bool"), ("0", "int"), ("''", "str"), ("null", "None")],
)
def test_a_file_without_sections_is_refused(tmp_path: Path, text: str, kind: str) -> None:
    with pytest.raises(InvalidInput, match=rf"must hold sections, but holds {kind}\w*\. See params\.yaml"):
        load(tmp_path, text)


def test_a_file_of_comments_alone_is_empty(tmp_path: Path) -> None:
    assert load(tmp_path, "# later\n") == Params()
