"""How near the demo's generated log comes to real ones: `python -m benchmarks.lifelike`.

Prints a Markdown table of simple statistics of the generator's log and of the logs of $NCNC_DATA_DIR. The generator's
parameters were chosen by it. as_caida is left out: dumps have no events.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.evolving.graphs import GRAPHS
from ncnc_core.graph.event_history import EventHistory
from ncnc_core.random_event_network import RandomEventNetworkConfig, evolve_events

REAL = ("collegemsg", "fb_forum", "bitcoin_otc", "bitcoin_alpha")
WINDOW = 0.1  # of the edges, as the split has it
FEWEST_EVENTS = 10  # of a node whose gaps are looked at


@dataclass(frozen=True)
class LogStatistics:
    """Simple statistics of a log of events; all but the counts are shares, or a coefficient from -1 to 1.

    Of the edges of the log's later half: `both_active`, those whose two ends both had an event in the window before,
    a tenth of all edges; `newcomer`, those at a node that had none ever. `burstiness` is the median over the nodes of
    (deviation - mean) / (deviation + mean) of the gaps between a node's events: -1 for a clock, 0 for a Poisson
    process, towards 1 for bursts (Goh, Barabasi, Burstiness and memory in complex systems, 2008). `silent` are the
    nodes without an event in the last window.
    """

    nodes: int
    events: int
    edges: int
    repeated: float
    both_active: float
    newcomer: float
    burstiness: float
    silent: float

    @classmethod
    def of(cls, events: NDArray[np.int64], times: NDArray[np.int64]) -> LogStatistics:
        """Measure events [2, e] at times [e]; those of one time count in the order given."""
        order = times.argsort(kind="stable")
        pairs, times = np.sort(events[:, order], axis=0), times[order]
        first = np.zeros(pairs.shape[1], dtype=np.bool_)
        first[np.unique(pairs, axis=1, return_index=True)[1]] = True
        edges = int(first.sum())
        both, new, last = _ends(pairs, first, edges)
        gone = np.mean([edges - came > WINDOW * edges for came in last.values()])
        return cls(
            nodes=len(last),
            events=len(times),
            edges=edges,
            repeated=1 - edges / len(times),
            both_active=float(np.mean(both)),
            newcomer=float(np.mean(new)),
            burstiness=_burstiness(pairs, times),
            silent=float(gone),
        )


def _ends(
    pairs: NDArray[np.int64], first: NDArray[np.bool_], edges: int
) -> tuple[list[bool], list[bool], dict[int, int]]:
    """Return of each later edge whether both ends were active, and whether one is new; and each node's last activity.

    The clock counts edges.
    """
    both: list[bool] = []
    new: list[bool] = []
    last: dict[int, int] = {}
    now = 0
    for (low, high), is_edge in zip(pairs.T.tolist(), first.tolist(), strict=True):
        now += is_edge
        if is_edge and now > edges / 2:
            came = [last[end] for end in (low, high) if end in last]
            new.append(len(came) < 2)
            both.append(len(came) == 2 and now - min(came) <= WINDOW * edges)
        last[low] = last[high] = now
    return both, new, last


def _burstiness(pairs: NDArray[np.int64], times: NDArray[np.int64]) -> float:
    node, time = pairs.ravel(), np.concatenate([times, times])
    order = np.lexsort((time, node))
    rows = np.split(time[order], np.flatnonzero(np.diff(node[order])) + 1)
    gaps = [np.diff(row) for row in rows if len(row) >= FEWEST_EVENTS]
    found = [(gap.std() - gap.mean()) / (gap.std() + gap.mean()) for gap in gaps if gap.any()]
    return float(np.median(found)) if found else float("nan")


def statistics_of(history: EventHistory) -> LogStatistics:
    """Measure a log as it is kept: first events and later ones."""
    edge = torch.cat([torch.arange(history.edges.shape[1]), history.repeat_edge])
    return LogStatistics.of(
        history.edges[:, edge].numpy(), torch.cat([history.first_seen, history.repeat_time]).numpy()
    )


def as_markdown(measured: dict[str, LogStatistics]) -> str:
    """Return a table with a row a statistic and a column a log."""
    lines = [f"| | {' | '.join(measured)} |", f"| --- |{' ---: |' * len(measured)}"]
    for one in fields(LogStatistics):
        values = [getattr(log, one.name) for log in measured.values()]
        told = [f"{value:,}" if isinstance(value, int) else f"{value:.2f}" for value in values]
        lines.append(f"| {one.name.replace('_', ' ')} | {' | '.join(told)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print."""
    argparse.ArgumentParser(prog="python -m benchmarks.lifelike", description=__doc__).parse_args()
    day = next(evolve_events(RandomEventNetworkConfig()))
    measured = {"generated": LogStatistics.of(day.events, day.times)}
    measured |= {name: statistics_of(GRAPHS[name]().history) for name in REAL}
    print(as_markdown(measured))


if __name__ == "__main__":
    main()
