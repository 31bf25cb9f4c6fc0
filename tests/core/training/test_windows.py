from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.config import training as training_config
from ncnc_core.config.choices import EvaluationNegative
from ncnc_core.config.training import TrainingConfig
from ncnc_core.errors import InvalidGraph
from ncnc_core.graph.adjacency import contains_keys, pair_keys
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.training.windows import Window, draw_pairs, training_windows
from tests.fixtures.evolving_graphs import active_groups, random_events, random_history

TRAINING = TrainingConfig(negatives_per_positive=4)


def at(*counts: int, step: int = 10) -> EventHistory:
    """So many edges come at each date, `step` apart, the first at `step`; node numbers only count up."""
    dates = torch.tensor([step * place for place, count in enumerate(counts, start=1) for _ in range(count)])
    nodes = torch.arange(len(dates))
    return EventHistory.of_events(torch.stack([nodes, nodes + 1]), dates, len(dates) + 1)


def spans(found: list[Window]) -> list[tuple[int, int]]:
    return [(one.start, one.end) for one in found]


def test_windows_hold_as_many_edges_as_asked_and_follow_each_other_up_to_the_end() -> None:
    history = at(*[1] * 100)
    assert spans(training_windows(history, 1000, 10, 3)) == [(700, 800), (800, 900), (900, 1000)]
    # the first one begins where as many edges had come: at the tenth
    assert spans(training_windows(history, 450, 10, 9)) == [(150, 250), (250, 350), (350, 450)]


@pytest.mark.parametrize(
    ("counts", "size", "expected"),
    [
        ((50, 10, 10, 10), 10, [(10, 20), (20, 30), (30, 40)]),  # nightly: a dump, then ten edges a night
        ((50, 3, 3, 3, 3), 10, [(10, 20), (20, 50)]),  # small nights are put together, to nearly ten
        ((50, 30, 30), 10, [(10, 20), (20, 30)]),  # a date that has more than a window is never divided
        ((5, 50, 10), 10, [(20, 30)]),  # before the second date only five had come
    ],
)
def test_a_date_is_never_divided(counts: tuple[int, ...], size: int, expected: list[tuple[int, int]]) -> None:
    history = at(*counts)
    assert spans(training_windows(history, 10 * len(counts), size, 6)) == expected


@pytest.mark.parametrize(
    ("counts", "size"),
    [((19,), 10), ((5, 50), 10), ((100,), 10), ((8, 8), 10)],  # too few; five before the window; one date; too few
)
def test_too_few_edges_for_a_window_are_refused(counts: tuple[int, ...], size: int) -> None:
    message = (
        rf"{sum(counts)} edges had come by the end of training, too few for a window of 10 new ones and as many before "
        r"it\. Choose the predictor ncnc, which reads no times, or a smaller share for validation"
    )
    with pytest.raises(InvalidGraph, match=message):
        training_windows(at(*counts), 10 * len(counts), size, 6)


def checked(history: EventHistory, window: Window, each: int = 4, seed: int = 0) -> torch.Tensor:
    """Draw the pairs of a window, check what must hold of each, and return the groups, [2, positives, 1 + each]."""
    training = TrainingConfig(negatives_per_positive=each)
    drawn = draw_pairs(history, window, training, torch.Generator().manual_seed(seed))
    each = drawn.each - 1
    groups = drawn.pairs.unflatten(1, (-1, drawn.each))
    positive, negative = groups[:, :, 0], groups[:, :, 1:].flatten(1)
    fresh = pair_keys(history.fresh(window.start, window.end), history.num_nodes).sort().values
    assert contains_keys(fresh, pair_keys(positive, history.num_nodes)).all()
    assert positive.unique(dim=1).shape == positive.shape
    assert not history.graph_at(window.start).has(positive).any()
    assert not contains_keys(history.keys_until(window.end), pair_keys(negative, history.num_nodes)).any()
    assert history.seen_nodes(window.end)[negative].all()
    assert (negative[0] != negative[1]).all()
    kept = (groups[:, :, 1:] == groups[:, :, :1]).any(0)
    assert kept.all()  # each keeps an end of its positive, where it stood
    return groups


@given(seed=st.integers(0, 100), each=st.integers(1, 5))
def test_positives_are_fresh_in_the_window_and_negatives_known_by_its_end(seed: int, each: int) -> None:
    history = random_history(seed, nodes=40, count=200)
    for window in training_windows(history, 35, 15, 3):
        groups = checked(history, window, each, seed)
        assert groups.shape[2] == 1 + each + each % 2  # two kinds of negatives have equal shares


@given(seed=st.integers(0, 100))
def test_nothing_that_came_after_a_window_changes_its_pairs(seed: int) -> None:
    history = random_history(seed, nodes=40, count=200)
    found = training_windows(history, 25, 15, 3)
    assert found == training_windows(history.until(25), 25, 15, 3)
    for window in found:
        known = history.until(window.end)
        assert torch.equal(checked(history, window), checked(known, window))


def test_only_the_order_of_times_counts() -> None:
    ends, time = active_groups(nodes=40, edges=200, group=12)
    first = EventHistory.of_events(ends, time, 40)
    other = (time - time.min()).square() * 3 - 10**6  # strictly monotone
    second = EventHistory.of_events(ends, other, 40)
    pairs = zip(
        training_windows(first, int(time[-1]), 20, 4), training_windows(second, int(other[-1]), 20, 4), strict=True
    )
    assert all(torch.equal(checked(first, one), checked(second, two)) for one, two in pairs)


def test_a_large_window_is_drawn_from_and_another_seed_draws_another_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_config, "POSITIVES", 7)
    history = random_history(1, nodes=40, count=200)
    (window,) = training_windows(history, 35, 40, 1)
    first, again, other = (checked(history, window, seed=seed) for seed in (0, 0, 1))
    assert first.shape[1] == 7
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    monkeypatch.setattr(training_config, "MANY_EDGES", 10)
    assert checked(history, window).shape[1] > 7


def test_half_of_the_negatives_are_matched_by_degree() -> None:
    """The hub's partners come in the window; of a like degree at its start there are only the hub and one other."""
    ring = torch.stack([torch.arange(40), (torch.arange(40) + 1) % 40])
    hubs = torch.stack([torch.tensor([40] * 20 + [41] * 20), torch.arange(40) % 20])
    late = torch.stack([torch.full((20,), 40), torch.arange(20, 40)])
    ends, time = torch.cat([ring, hubs, late], 1), torch.tensor([1] * 80 + [2] * 20)
    groups = checked(EventHistory.of_events(ends, time, 42), Window(1, 2), each=4)
    replaced_hub = groups[:, :, 1:][groups[:, :, :1].expand(-1, -1, 4).eq(40) & groups[:, :, 1:].ne(40)].tolist()
    assert 0 < replaced_hub.count(41) < len(replaced_hub)


def test_an_edge_without_a_negative_is_left_out_and_the_others_are_kept() -> None:
    """At the end 0 and 1 are both joined to every node that was seen."""
    ends = torch.tensor([[0, 0, 1, 1, 0, 2], [2, 3, 2, 3, 1, 4]])
    star = torch.tensor([[0, 1], [4, 4]])
    time = torch.tensor([1, 1, 1, 1, 2, 2, 1, 1])
    groups = checked(EventHistory.of_events(torch.cat([ends, star], 1), time, 6), Window(1, 2))
    assert groups[:, :, 0].T.tolist() == [[2, 4]]


def test_a_window_whose_edges_are_gone_has_no_pairs() -> None:
    history = at(4, 2)
    gone = EventHistory(
        history.edges, history.first_seen, history.alive_since, torch.full_like(history.removed_at, 20),
        history.repeat_edge, history.repeat_time, history.num_nodes,
    )  # fmt: skip
    assert draw_pairs(gone, Window(10, 20), TRAINING, torch.Generator()).pairs.shape == (2, 0)


def test_hard_negatives_are_met_where_the_evaluation_has_them() -> None:
    history = EventHistory.of_events(*random_events(3), 40)
    [window] = training_windows(history, int(history.arrivals[-1]), 20, 1)
    kinds: tuple[EvaluationNegative, ...] = ("uniform", "degree_matched", "hard")
    drawn = draw_pairs(
        history, window, TrainingConfig(negatives_per_positive=8), torch.Generator().manual_seed(0), kinds
    )
    assert drawn.each == 1 + 9  # equal shares of three kinds
    assert not history.graph_at(window.end).has(drawn.negatives).any()
    assert history.seen_nodes(window.end)[drawn.negatives].all()
    usual = draw_pairs(history, window, TrainingConfig(negatives_per_positive=9), torch.Generator().manual_seed(0))
    assert not torch.equal(usual.negatives, drawn.negatives)
