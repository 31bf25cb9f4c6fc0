from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.recipes.published_flags import FLAGS, flag_table, from_published_flags

PAGE = Path(__file__).parents[3] / "docs" / "published-flags.md"
CORA = {
    "--predictor": "incn1cn1", "--model": "puregcn", "--dataset": "Cora", "--hiddim": 256, "--mplayers": 1,
    "--jk": True, "--lnnn": True, "--ln": True, "--xdp": 0.7, "--tdp": 0.3, "--gnndp": 0.05, "--gnnedp": 0.0,
    "--predp": 0.05, "--preedp": 0.4, "--use_xlin": True, "--tailact": True, "--maskinput": True,
    "--probscale": 4.3, "--proboffset": 2.8, "--pt": 0.75, "--alpha": 1.0, "--gnnlr": 0.0043, "--prelr": 0.0024,
    "--batch_size": 1152, "--epochs": 100, "--testbs": 8192, "--runs": 10,
}  # fmt: skip


def flags(**changes: Any) -> dict[str, Any]:
    return {"--predictor": "cn1", "--model": "gcn", **{f"--{name}": value for name, value in changes.items()}}


def test_a_published_command_is_the_model_and_the_training_it_ran() -> None:
    model, training = from_published_flags(CORA)
    assert (model.predictor, model.encoder, model.hidden_channels) == ("ncnc", "puregcn", 256)
    assert (model.feature_dropout, model.output_dropout, model.encoder_dropout) == (0.7, 0.3, 0.05)
    assert (model.predictor_dropout, model.predictor_edge_dropout, model.encoder_edge_dropout) == (0.05, 0.4, 0.0)
    assert (model.neighbor_transform, model.neighbor_output_linear, model.two_layer_head) == (True, False, False)
    assert model.completion_scale == 4.3
    assert model.completion_offset == pytest.approx(2.867, abs=5e-4)
    assert model.completion_max_neighbors is None
    assert model.noisy_completion_as_published
    assert (training.epochs, training.batch_size, training.encoder_learning_rate) == (100, 1152, 0.0043)
    assert (training.predictor_learning_rate, training.target_link_removal) == (0.0024, "batch")
    assert training.drop_last_as_published


def test_a_flag_that_is_not_given_has_its_published_default() -> None:
    model, training = from_published_flags(flags())
    assert (model.predictor_dropout, model.hidden_channels, model.jumping_knowledge) == (0.3, 32, False)
    assert model.neighbor_output_linear
    assert (training.target_link_removal, training.batch_size) == ("off", 8192)


# what a flag does that is not simply its value
@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"model": "gcn_cached"}, "encoder", "gcn"),
        ({"trndeg": 96}, "completion_max_neighbors", 96),
        ({"depth": -1}, "completion_depth", 0),
        ({"dataset": "ddi"}, "node_embedding", "only"),
        ({"predictor": "scn1"}, "predictor", "gae_cn"),
        ({"predictor": "cn1.5"}, "predictor", "ncn2"),
        ({"predictor": "cn1res"}, "predictor", "ncn_diff"),
        ({"predictor": "cn0", "tailact": True}, "neighbor_output_linear", True),  # no GAE is handed it
    ],
)
def test_flag_that_needs_translating_is_translated(change: dict[str, Any], field: str, value: object) -> None:
    assert getattr(from_published_flags(flags(**change))[0], field) == value


# name and value that cannot be taken over, and what to do
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"predb": 0.1}, r"--predb is no published flag\. Did you mean --predp\?"),
        ({"predictor": "cn2"}, r"--predictor cn2 has no counterpart.*cn0, scn1, cn1, cn1\.5, cn1res, incn1cn1"),
        ({"model": "puremax"}, r"--model puremax has no counterpart.*puregcn"),
        ({"learnpt": True}, r"--learnpt True: broken.*calibrate_completion.*Leave the flag out"),
        ({"cndeg": 8}, r"--cndeg 8: not supported.*Leave the flag out"),
    ],
)
def test_what_has_no_counterpart_is_refused_with_the_remedy(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidGraph, match=message):
        from_published_flags(flags(**change))


def test_every_field_of_the_table_exists_and_no_flag_stands_twice() -> None:
    known = {f"model.{name}" for name in ModelConfig.model_fields}
    known |= {f"training.{name}" for name in TrainingConfig.model_fields}
    assert {field for flag in FLAGS for field in flag.fields} <= known
    assert len({flag.name for flag in FLAGS}) == len(FLAGS)


def test_every_flag_with_a_field_changes_it() -> None:
    """A row that names a field and does not set it would be a lie: another value must give another configuration."""
    other: dict[str, Any] = {"predictor": "incn1cn1", "model": "puresum", "dataset": "ppa"}
    for flag in (flag for flag in FLAGS if flag.fields):
        section, _, field = flag.fields[0].partition(".")
        value = other.get(flag.name)
        if value is None:
            value = (
                not flag.default if isinstance(flag.default, bool) else 0.25 if isinstance(flag.default, float) else 3
            )
        before, after = (from_published_flags(flags(**change)) for change in ({}, {flag.name: value}))
        index = ("model", "training").index(section)
        assert getattr(before[index], field) != getattr(after[index], field), flag.name


def test_page_shows_the_table_as_it_is() -> None:
    assert flag_table() in PAGE.read_text()
