from __future__ import annotations

import io

from optuna.trial import TrialState, create_trial

from pipeline.commands.search_progress import search_progress
from pipeline.terminal import Terminal

ENDED = (
    (TrialState.PRUNED, 0.9),  # stopped early: what it had reached then is no result
    (TrialState.COMPLETE, 0.25),
    (TrialState.COMPLETE, 0.125),
    (TrialState.FAIL, None),
)


def told(console: Terminal) -> None:
    with search_progress(console, 4) as on_trial:
        for count, (state, value) in enumerate(ENDED, start=1):
            on_trial(count, create_trial(state=state, value=value))


def test_a_log_has_a_line_for_each_trial_with_the_best_so_far() -> None:
    stream = io.StringIO()
    told(Terminal(file=stream, width=100))
    assert stream.getvalue().splitlines() == [
        "trial 1 of 4: pruned, none completed yet",
        "trial 2 of 4: 0.2500, best 0.2500",
        "trial 3 of 4: 0.1250, best 0.2500",
        "trial 4 of 4: fail, best 0.2500",
    ]


def test_a_terminal_has_a_bar_and_no_lines() -> None:
    stream = io.StringIO()
    told(Terminal(file=stream, width=100, force_terminal=True))
    assert "4/4" in stream.getvalue()
    assert "best 0.2500" in stream.getvalue()
    assert "trial 1 of 4" not in stream.getvalue()
