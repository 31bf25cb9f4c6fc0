from __future__ import annotations

import io

import pytest

from ncnc_core.serving.recommendation import counted
from ncnc_core.training.checkpoint import EpochResult
from ncnc_core.training.progress import training_progress
from ncnc_core.training.work import WorkDone


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def epochs() -> list[EpochResult]:
    return [
        EpochResult(1, 0.9, {"mrr": 0.25}, 1.0),
        EpochResult(2, 0.7, {"mrr": 0.5}, 1.0),
        EpochResult(3, 0.6, {}, 1.0),
    ]


def shown(stream: io.StringIO, *, wanted: bool = True) -> str:
    with training_progress(3, "mrr", shown=wanted, stream=stream) as report:
        for result in epochs():
            if report.on_work is not None:
                report.on_work(WorkDone("training", 4_000 * result.epoch, 12_000, 2.0 * result.epoch, 200.0))
            if report.on_epoch is not None:
                report.on_epoch(result)
    return stream.getvalue()


def test_a_terminal_sees_epoch_loss_and_metric() -> None:
    text = shown(Terminal())
    assert "epoch 3/3" in text
    assert "loss 0.6000" in text
    with training_progress(3, "mrr", stream=(stream := Terminal())) as report:
        assert report.on_epoch is not None
        for result in epochs()[:2]:
            report.on_epoch(result)
    assert "mrr 0.5000 (best 0.5000)" in stream.getvalue()


def test_a_terminal_sees_how_many_pairs_are_done_and_what_remains_before_the_first_epoch_ends() -> None:
    with training_progress(3, "mrr", stream=(stream := Terminal())) as report:
        assert report.on_work is not None
        report.on_work(WorkDone("training", 3_000, 12_000, 2.0, 200.0))
    assert "25 %" in stream.getvalue()
    assert "training 3,000/12,000 pairs, 3 min left at most" in stream.getvalue()


@pytest.mark.parametrize(("stream", "wanted"), [(io.StringIO(), True), (Terminal(), False)])
def test_nothing_is_shown_elsewhere_or_where_it_is_not_wanted(stream: io.StringIO, wanted: bool) -> None:
    assert shown(stream, wanted=wanted) == ""


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_the_listener_hears_of_every_epoch_either_way(stream: io.StringIO) -> None:
    heard: list[EpochResult] = []
    with training_progress(3, "mrr", heard.append, stream=stream) as report:
        assert report.on_epoch is not None
        for result in epochs():
            report.on_epoch(result)
    assert heard == epochs()


@pytest.mark.parametrize(("stream", "silent"), [(io.StringIO(), True), (Terminal(), False)])
def test_items_are_counted_on_a_terminal_and_yielded_anywhere(stream: io.StringIO, silent: bool) -> None:
    assert list(counted([4, 5, 6], "recommending", stream=stream)) == [4, 5, 6]
    assert (stream.getvalue() == "") is silent


def test_one_item_needs_no_bar() -> None:
    assert list(counted([4], "recommending", stream=(stream := Terminal()))) == [4]
    assert stream.getvalue() == ""
