from __future__ import annotations

import torch

from ncnc_core.config.model import ModelConfig
from ncnc_core.networks.scoring import node_levels, score_pairs
from ncnc_core.networks.temporal_network import TemporalNetwork
from ncnc_core.training.window_pairs import ReadWindow, WindowPairs
from ncnc_core.training.windows import DrawnWindow, Window
from tests.fixtures.evolving_graphs import pairs_of, random_history

FEATURES = torch.randn(30, 3, generator=torch.Generator().manual_seed(0))
EACH = 4
PAIRS = pairs_of(30, 70)[:, :60]
CUTS = (15, 30)
GRAPHS = [random_history(0).graph_at(cut) for cut in CUTS]


def network() -> TemporalNetwork:
    torch.manual_seed(0)
    made = TemporalNetwork.for_graph(ModelConfig(predictor="temporal_ncn", hidden_channels=8), FEATURES)
    made.window.fill_(12)
    return made.eval()


def of(made: TemporalNetwork, place: int) -> WindowPairs:
    part = PAIRS[:, place * 20 : (place + 2) * 20]
    drawn = DrawnWindow(Window(CUTS[place], CUTS[place] + 1), part, EACH)
    return ReadWindow.of(made, random_history(0), drawn).pairs(made, FEATURES)


def expected(made: TemporalNetwork, place: int) -> torch.Tensor:
    """The logits as they are served, [groups, EACH]."""
    levels = node_levels(made, FEATURES, GRAPHS[place])
    return score_pairs(made, levels, GRAPHS[place], PAIRS[:, place * 20 : (place + 2) * 20]).view(-1, EACH)


def test_training_and_serving_give_a_pair_the_same_logit() -> None:
    made = network()
    found = of(made, 0)
    assert found.groups == 10
    with torch.no_grad():
        torch.testing.assert_close(found.logits(made), expected(made, 0), atol=1e-5, rtol=1e-5)


def test_windows_that_are_joined_keep_their_own_graphs() -> None:
    made = network()
    joined = WindowPairs.joined([of(made, 0), of(made, 1)])
    assert joined.groups == 20
    with torch.no_grad():
        both = torch.cat([expected(made, 0), expected(made, 1)])
        torch.testing.assert_close(joined.logits(made), both, atol=1e-5, rtol=1e-5)


def test_chosen_groups_bring_only_the_rows_that_they_name() -> None:
    made = network()
    joined = WindowPairs.joined([of(made, 0), of(made, 1)])
    groups = torch.tensor([17, 0, 5])
    few = joined.chosen(groups)
    with torch.no_grad():
        torch.testing.assert_close(few.logits(made), joined.logits(made)[groups], atol=1e-5, rtol=1e-5)
    named = torch.cat([few.pairs.flatten(), few.common.node]).unique()
    assert torch.equal(named, torch.arange(few.rows.shape[0]))
    assert few.rows.shape[0] < joined.rows.shape[0]
    assert few.decay.shape[0] == few.common.node.numel()


def test_no_weights_enter_what_is_worked_out_once() -> None:
    made = network()
    assert not any(one.requires_grad for one in (of(made, 0).rows, of(made, 0).values, of(made, 0).decay))


def test_a_window_that_was_read_holds_no_times() -> None:
    drawn = DrawnWindow(Window(CUTS[1], CUTS[1] + 1), PAIRS[:, :20], EACH)
    graph = ReadWindow.of(network(), random_history(0), drawn).graph
    assert graph.adjacency.times is None
    assert "keys" not in graph.adjacency.__dict__
    assert graph.decay.numel() == graph.strength.numel() == graph.spectral.numel() == 0
    assert torch.equal(graph.adjacency.column, GRAPHS[1].column)
