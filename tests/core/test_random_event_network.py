from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.lifelike import LogStatistics
from ncnc_core.errors import InvalidGraph
from ncnc_core.random_event_network import PLACES, EventDay, RandomEventNetworkConfig, evolve_events

SMALL = RandomEventNetworkConfig(places=replace(PLACES, num_nodes=400))


def first_day(**changed: float) -> EventDay:
    return next(evolve_events(replace(SMALL, **changed)))


def measured(day: EventDay) -> LogStatistics:
    return LogStatistics.of(day.events, day.times)


@pytest.fixture(scope="module")
def week() -> list[EventDay]:
    return list(itertools.islice(evolve_events(SMALL), 7))


def test_same_seed_gives_the_same_days_and_another_seed_others() -> None:
    once, again, other = (
        list(itertools.islice(evolve_events(replace(SMALL, places=replace(SMALL.places, seed=seed))), 3))[-1]
        for seed in (1, 1, 2)
    )
    for field in ("node_ids", "features", "events", "times", "silent"):
        assert np.array_equal(getattr(once, field), getattr(again, field))
    assert once.events.shape != other.events.shape


def test_global_generators_are_neither_read_nor_moved() -> None:
    np.random.seed(1)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()
    first_day(history_days=3)
    assert np.array_equal(np.random.get_state()[1], before[0])
    assert torch.equal(torch.get_rng_state(), before[1])


def test_each_day_goes_on_from_the_log_of_the_day_before(week: list[EventDay]) -> None:
    for before, after in itertools.pairwise(week):
        held = before.events.shape[1]
        assert (after.day, after.as_of) == (before.day + 1, before.as_of + 86_400)
        assert np.array_equal(after.events[:, :held], before.events)
        assert ((before.as_of < after.times[held:]) & (after.times[held:] <= after.as_of)).all()
        assert len(after.node_ids) == len(before.node_ids) + SMALL.arrivals_a_day
        assert np.array_equal(after.features[: len(before.node_ids)], before.features)


def test_events_are_in_the_order_of_time_and_join_two_nodes(week: list[EventDay]) -> None:
    log = week[-1]
    assert (np.diff(log.times) >= 0).all()
    assert (log.events[0] != log.events[1]).all()
    assert log.events.max() < len(log.node_ids)


def test_there_are_as_many_nodes_on_day_0_as_asked_for(week: list[EventDay]) -> None:
    assert (week[0].day, len(week[0].node_ids)) == (0, 400)


def test_events_come_in_bursts_and_without_excitation_they_do_not() -> None:
    # Without it as many events, from the same places, by a Poisson process.
    bursts = measured(first_day())
    none = measured(first_day(excitation=0.0, daily_events=SMALL.daily_events / (1 - 2 * SMALL.excitation)))
    assert bursts.burstiness > 0.3
    assert none.burstiness < 0.1


def test_an_event_sets_off_as_many_as_the_excitation_says() -> None:
    # Nobody arrives and nobody falls silent: daily_events * nodes * days, over 1 - 2 * 0.3.
    places = replace(PLACES, num_nodes=800, kernel_nodes=6.0, daily_arrivals=0.0)
    forever = RandomEventNetworkConfig(
        places=places, history_days=10, daily_events=0.6, excitation=0.3, mean_life_days=float("inf")
    )
    assert next(evolve_events(forever)).events.shape[1] == pytest.approx(0.6 * 800 * 10 / 0.4, rel=0.1)


def test_links_repeat_and_without_repeats_they_seldom_do() -> None:
    assert measured(first_day()).repeated > 0.55
    assert measured(first_day(repeat_share=0.0, closure_share=0.0)).repeated < 0.4


def test_nodes_fall_silent_and_with_endless_lives_they_do_not() -> None:
    mortal, endless = first_day(), first_day(mean_life_days=float("inf"))
    assert mortal.silent.mean() > 0.5
    assert not endless.silent.any()
    assert measured(mortal).silent > measured(endless).silent + 0.2


def test_a_node_that_has_fallen_silent_takes_part_in_nothing_again(week: list[EventDay]) -> None:
    silent, later = week[0].silent, week[-1]
    after = later.events[:, week[0].events.shape[1] :]
    assert after.size > 0
    assert not silent[after[after < len(silent)]].any()
    assert later.silent[: len(silent)][silent].all()  # for good


def test_nodes_that_arrive_take_part(week: list[EventDay]) -> None:
    known = len(week[0].node_ids)
    assert (week[-1].events >= known).any()
    assert not (week[0].events >= known).any()


def test_attention_goes_to_who_is_active_lately() -> None:
    # New contacts alone: how many are with a node that had an event within three hours.
    def heeded(day: EventDay) -> float:
        last: dict[int, int] = {}
        found = []
        for source, target, time in zip(*day.events.tolist(), day.times.tolist(), strict=True):
            found.append(time - last.get(target, 0) < 3 * 3600)
            last[source] = last[target] = time
        return float(np.mean(found))

    new_contacts = {"repeat_share": 0.0, "closure_share": 0.0}
    assert heeded(first_day(**new_contacts, attention=5.0)) > heeded(first_day(**new_contacts, attention=0.0)) + 0.04


def test_closure_joins_contacts_of_contacts() -> None:
    def closed(share: float) -> float:
        day = next(evolve_events(replace(SMALL, places=replace(SMALL.places, hop_fraction=0.8), closure_share=share)))
        joined = np.zeros((len(day.node_ids), len(day.node_ids)))
        joined[day.events[0], day.events[1]] = joined[day.events[1], day.events[0]] = 1
        ways = joined @ joined
        return float((ways * joined).sum() / (ways.sum() - ways.trace()))

    assert closed(0.3) > closed(0.0) + 0.05


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"excitation": 0.5}, r"excitation 0\.5 must be .* below 0\.5.*Lower it"),
        ({"excitation": -0.1}, r"excitation -0\.1 must be at least 0"),
        ({"repeat_share": 0.7, "closure_share": 0.4}, r"repeat_share 0\.7 and closure_share 0\.4 .*Lower one"),
        ({"closure_share": -0.1}, r"closure_share -0\.1 must not be negative"),
        ({"daily_events": 0.0}, r"daily_events 0\.0.*Raise"),
        ({"burst_hours": 0.0}, r"burst_hours 0\.0.*Raise"),
        ({"mean_life_days": 0.0}, r"mean_life_days 0\.0.*Raise"),
        ({"attention": -1.0}, r"attention -1\.0 not negative.*Raise"),
        ({"history_days": 0}, r"history_days 0 must be at least 1.*Change"),
        ({"history_days": 60}, r"history_days 60.*400 nodes.*7 arrive each day.*lower daily_arrivals"),
    ],
)
def test_configuration_out_of_bounds_is_refused(wrong: dict[str, float], named: str) -> None:
    with pytest.raises(InvalidGraph, match=named):
        replace(SMALL, **wrong)


def test_a_network_in_which_nobody_is_left_has_no_more_events() -> None:
    places = replace(PLACES, num_nodes=60, daily_arrivals=0.0)
    dying = RandomEventNetworkConfig(places=places, mean_life_days=0.1, history_days=30)
    before, after = itertools.islice(evolve_events(dying), 2)
    assert before.silent.all()
    assert after.events.shape == before.events.shape
