from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from ncnc_core.config.model import ModelConfig
from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.networks.completion import fold_prior
from ncnc_core.networks.link_network import LinkNetwork
from ncnc_core.recipes.published_names import to_our_names

FOLDER = Path(os.environ.get("NCNC_GOLDEN_DIR") or Path(__file__).parent / "golden")
VECTORS = sorted(FOLDER.glob("*.npz"))
PREDICTORS = {"cn0": "gae", "cn1": "ncn", "incn1cn1": "ncnc", "cn1.5": "ncn2", "cn1res": "ncn_diff"}


class Golden:
    """One vector: its arrays as tensors, and our network carrying its weights."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as archive:
            self.config: dict[str, Any] = json.loads(str(archive["config"]))
            self.arrays = {name: torch.from_numpy(archive[name]) for name in archive.files if name != "config"}
        self.network = LinkNetwork(self.model_config(), num_features=self.config["features"])
        wanted = self.network.state_dict()
        weights = to_our_names(self.arrays, wanted)
        missing = sorted(set(wanted) - set(weights))
        if missing:
            raise AssertionError(f"{path.name} gives no value for {missing}")
        self.network.load_state_dict(weights)
        self.adjacency = self.graph(self.arrays["train_edges"])

    def model_config(self) -> ModelConfig:
        config = self.config
        return ModelConfig.as_published(
            predictor=PREDICTORS[config["predictor"]],
            encoder=config["conv"],
            num_layers=config["layers"],
            hidden_channels=config["hidden"],
            jumping_knowledge=config["jk"],
            residual=config["res"],
            encoder_layer_norm=config["ln"],
            predictor_layer_norm=config["lnnn"],
            # GAE has no neighbourhood: whether the block ends in a Linear is read off the weights (F4).
            neighbor_output_linear="predictor/xijlin.4.weight" in self.arrays,
            neighbor_transform=config["xlin"],
            two_layer_head=config["twolayerlin"],
            beta=config["beta"],
            completion_depth=config["depth"],
            completion_scale=config["scale"],
            completion_offset=fold_prior(config["scale"], config["offset"], config["pt"]),
            completion_alpha=config["alpha"],
            completion_chunk=64,  # small, so that the recursion really runs in chunks
        )

    def graph(self, edges: Tensor) -> Adjacency:
        return Adjacency.from_edges(edges, self.config["num_nodes"])

    def train_step(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits and the loss of one step with target link removal; gradients stay in the network."""
        self.network.train()
        positives, negatives = self.arrays["tlr_positive_edges"], self.arrays["tlr_negative_edges"]
        adjacency = self.adjacency.without(positives)
        h = self.network.encode(self.arrays["x"], adjacency)
        positive, negative = (
            self.network.predictor(self.network.predictor.node_levels(h), adjacency, pairs)
            for pairs in (positives, negatives)
        )
        loss = softplus(-positive).mean() + softplus(negative).mean()
        self.network.zero_grad()
        loss.backward()
        return positive.detach(), negative.detach(), loss.detach()


@pytest.fixture(params=VECTORS or [None], ids=lambda path: path.stem if path else "no-vectors")
def golden(request: pytest.FixtureRequest) -> Golden:
    if request.param is None:
        pytest.fail(f"There is no .npz in {FOLDER}. Point NCNC_GOLDEN_DIR at a folder of golden vectors.")
    return Golden(request.param)


def close(ours: Tensor, expected: Tensor, *, rtol: float, atol: float) -> None:
    torch.testing.assert_close(ours, expected, rtol=rtol, atol=atol, check_dtype=False)  # the loss is kept as float64


def test_golden_folder_of_the_project_holds_the_fifteen_vectors() -> None:
    assert len(list((Path(__file__).parent / "golden").glob("*.npz"))) == 15


def test_golden_node_embeddings_are_reproduced(golden: Golden) -> None:
    golden.network.eval()
    h = golden.network.encode(golden.arrays["x"], golden.adjacency)
    close(h, golden.arrays["expected_node_embedding"], rtol=1e-4, atol=1e-5)


def test_golden_logits_are_reproduced(golden: Golden) -> None:
    golden.network.eval()
    logits = golden.network(golden.arrays["x"], golden.adjacency, golden.arrays["target_edges"])
    close(logits, golden.arrays["expected_logits"], rtol=1e-4, atol=1e-5)


def test_golden_training_step_logits_and_loss_are_reproduced(golden: Golden) -> None:
    positive, negative, loss = golden.train_step()
    close(positive, golden.arrays["tlr_positive_logits"], rtol=1e-4, atol=1e-5)
    close(negative, golden.arrays["tlr_negative_logits"], rtol=1e-4, atol=1e-5)
    close(loss, golden.arrays["tlr_loss"], rtol=1e-5, atol=1e-5)


def test_golden_gradients_are_reproduced(golden: Golden) -> None:
    golden.train_step()
    ours = {name: parameter.grad for name, parameter in golden.network.named_parameters() if parameter.grad is not None}
    published = {name.removeprefix("grad/"): value for name, value in golden.arrays.items() if name[:5] == "grad/"}
    expected = to_our_names(published, dict(golden.network.named_parameters()))
    assert set(expected) == set(ours)
    for name, gradient in expected.items():
        close(ours[name], gradient, rtol=1e-3, atol=1e-5)
