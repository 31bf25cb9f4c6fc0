import pytest
import torch

from ncnc_core.evaluation import bootstrap
from ncnc_core.evaluation.bootstrap import busier_ends, resampled_sums


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_sums_move_as_much_as_the_sum_of_independent_values() -> None:
    values = torch.randn(2000, generator=generator(1), dtype=torch.float64)
    drawn = resampled_sums(values[None], samples=2000, generator=generator())[:, 0]
    assert drawn.mean().item() == pytest.approx(values.sum().item(), abs=5)
    assert drawn.std().item() == pytest.approx(values.std().item() * 2000**0.5, rel=0.05)


def test_same_generator_state_gives_the_same_sums_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = torch.randn(2, 50, generator=generator(1))
    whole = resampled_sums(rows, samples=40, generator=generator(3))

    monkeypatch.setattr(bootstrap, "DRAWS_AT_ONCE", 120)  # two samples at a time

    torch.testing.assert_close(resampled_sums(rows, samples=40, generator=generator(3)), whole)


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    resampled_sums(torch.ones(1, 5), samples=10, generator=generator())
    assert torch.equal(torch.get_rng_state(), before)


def test_clusters_are_drawn_whole() -> None:
    hubs = torch.arange(50).repeat_interleave(20)
    rows = torch.stack([(hubs == 7).double(), torch.ones(1000, dtype=torch.float64)])
    drawn = resampled_sums(rows, samples=300, generator=generator(), clusters=hubs * 7)
    assert set(drawn[:, 0].remainder(20).tolist()) == {0.0}
    assert drawn[:, 1].tolist() == [1000.0] * 300


def test_the_busier_end_is_that_with_more_of_the_edges_and_of_equal_ones_either() -> None:
    star = torch.stack([torch.arange(40), torch.full((40,), 50)])
    assert busier_ends(star, generator()).tolist() == [50] * 40
    pairs = torch.arange(2000).view(2, 1000)
    assert (busier_ends(pairs, generator()) == pairs[0]).double().mean().item() == pytest.approx(0.5, abs=0.05)
