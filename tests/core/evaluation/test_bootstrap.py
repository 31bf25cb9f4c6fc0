import pytest
import torch

from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation import bootstrap
from ncnc_core.evaluation.bootstrap import bootstrap_mean, bootstrap_means


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_bounds_agree_with_the_normal_interval_of_a_mean() -> None:
    values = torch.randn(2000, generator=generator(1)) * 3 + 5

    value, low, high = bootstrap_mean(values, samples=2000, confidence=0.95, generator=generator())

    error = 1.96 * values.std().item() / 2000**0.5
    assert value == pytest.approx(values.mean().item(), abs=1e-5)
    assert low == pytest.approx(value - error, abs=0.1 * error)
    assert high == pytest.approx(value + error, abs=0.1 * error)


def test_same_generator_state_gives_the_same_interval_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    values = torch.randn(50, generator=generator(1))
    whole = bootstrap_mean(values, samples=40, confidence=0.9, generator=generator(3))

    monkeypatch.setattr(bootstrap, "DRAWS_AT_ONCE", 120)  # two samples at a time

    assert bootstrap_mean(values, samples=40, confidence=0.9, generator=generator(3)) == pytest.approx(whole)


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    bootstrap_mean(torch.ones(5), samples=10, confidence=0.9, generator=generator())
    assert torch.equal(torch.get_rng_state(), before)


def test_rows_are_resampled_together() -> None:
    row = torch.randn(40, generator=generator(1))
    first, second = bootstrap_means(torch.stack([row, row + 1]), samples=100, confidence=0.9, generator=generator())
    assert second == pytest.approx([first.value + 1, first.low + 1, first.high + 1], abs=1e-5)


def test_clusters_widen_the_interval_where_their_members_agree() -> None:
    # 50 hubs with 20 edges each, every edge of a hub equally easy: 50 independent values, not 1000.
    hubs = torch.arange(50).repeat_interleave(20)
    values = torch.randn(50, generator=generator(1))[hubs]
    options = {"samples": 1000, "confidence": 0.95}

    apart = bootstrap_mean(values, **options, generator=generator())
    clustered = bootstrap_mean(values, **options, generator=generator(), clusters=hubs * 7)

    assert clustered.value == pytest.approx(apart.value)
    assert (clustered.high - clustered.low) / (apart.high - apart.low) == pytest.approx(20**0.5, rel=0.15)


def test_clusters_of_one_change_nothing_but_the_draws() -> None:
    values = torch.randn(400, generator=generator(1))
    options = {"samples": 2000, "confidence": 0.95}
    apart = bootstrap_mean(values, **options, generator=generator(1))
    clustered = bootstrap_mean(values, **options, generator=generator(2), clusters=torch.arange(400))
    assert clustered == pytest.approx(apart, abs=0.02)


@pytest.mark.parametrize(
    ("count", "samples", "confidence", "named"),
    [
        (0, 10, 0.9, "0 values"),
        (3, 0, 0.9, "0 samples"),
        (3, 10, 1.0, "confidence 1.0"),  # a certain interval would be the whole line
    ],
)
def test_nothing_to_resample_is_refused(count: int, samples: int, confidence: float, named: str) -> None:
    with pytest.raises(InvalidGraph, match=rf"{named}.*[Pp]ass at least one value"):
        bootstrap_mean(torch.ones(count), samples=samples, confidence=confidence, generator=generator())
