"""Nights of an event log, and what people do between them: the forms that came with times, pins and retractions."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from neutral_place import GRAPH, STEPS, Place

SEED = 5
NUM_NODES = 200
FIRST_ID = 1001
FIRST_DAY = datetime(2026, 2, 1, tzinfo=UTC)
EVENTS_A_DAY = 60
REACH = 0.1  # of the unit square: nodes this far apart are linked half as often as neighbours
LIBRARY_MODEL = """\
import json, sys
from ncnc_core.config.model import ModelConfig
from ncnc_core.config.training import TrainingConfig
from ncnc_core.link_model import LinkModel
edges = [(f"node {i}", f"node {(i + step) % 40}") for step in (1, 2, 3) for i in range(40)]
times = list(range(len(edges)))
temporal = ModelConfig(predictor="temporal_ncn", hidden_channels=8)
model = LinkModel.fit(edges, time=times, model=temporal, training=TrainingConfig(epochs=2, windows=1))
model = model.updated(edges[:30], time=[200 + place for place in range(30)])
model.save(sys.argv[1])
pairs = [["node 7", "node 11"], ["node 0", "node 20"], ["node 39", "node 3"]]
print(json.dumps([{"source": s, "target": t, "logit": float(model.score_ids([s], [t])[0])} for s, t in pairs]))
"""


def deliver(folder: Path, day: int, events: list[tuple[int, int, int]]) -> None:
    """Write the events up to a night of March as edges-DATE.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    until = as_of(day).timestamp()
    with (folder / f"edges-2026-03-{day:02}.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("source", "target", "at"))
        writer.writerows(event for event in events if event[2] <= until)


def as_of(day: int) -> datetime:
    """Return the as-of of a night of March."""
    return datetime(2026, 3, day, 3, tzinfo=UTC)


def drawn_events() -> list[tuple[int, int, int]]:
    """Return events of pairs that are near each other, a third of them again after some days."""
    draw = np.random.default_rng(SEED)
    place = draw.random((NUM_NODES, 2))
    distance = np.linalg.norm(place[:, None] - place[None], axis=2)
    likely = np.triu(np.exp2(-((distance / REACH) ** 2)), 1).ravel()
    events: list[tuple[int, int, int]] = []
    for day in range((as_of(8) - FIRST_DAY).days + 1):
        began = int((FIRST_DAY + timedelta(days=day)).timestamp())
        again = draw.integers(len(events), size=EVENTS_A_DAY // 3) if events else []
        ends = [events[index][:2] for index in again]
        drawn = draw.choice(likely.size, EVENTS_A_DAY - len(ends), p=likely / likely.sum())
        pairs = (divmod(int(cell), NUM_NODES) for cell in drawn)
        ends += [(FIRST_ID + one, FIRST_ID + other) for one, other in pairs]
        seconds = draw.integers(86400, size=len(ends))
        ways = draw.choice((1, -1), size=len(ends), p=(0.7, 0.3))  # a third goes back
        events += [(*pair[::way], began + int(at)) for pair, way, at in zip(ends, ways, seconds, strict=True)]
    return sorted(events, key=lambda event: event[2])


def play(place: Place) -> None:
    """Play the nights, and what people do between them."""
    source, events = place.root / "deliveries", drawn_events()
    for day in (2, 3, 4):
        deliver(source, day, events)
    # An event of two days ago that comes late, and one that is held already and comes again.
    late = int(as_of(3).timestamp()) - 3600
    deliver(source, 5, [*events, (FIRST_ID, FIRST_ID + NUM_NODES - 1, late), (*events[0][:2], late)])
    deliver(source, 7, events)
    del place.environment["NCNC_SOURCE_NODES"]
    place.ncnc("snapshots", "init")
    place.write_params(params(epochs=2))

    place.night(2)  # the first model
    place.report(2)
    place.night(3, STEPS[:-1])
    place.ncnc("promote", "--run-dir", place.run_dir(3), "--who", "ann", "--override", "--reason", "looks good")
    place.report(3)
    place.ncnc("rollback", "--graph", GRAPH, "--to", "1", "--who", "ben", "--reason", "complaints")
    place.ncnc("registry", "pause", "--who", "ben", "--reason", "nobody is here")
    place.ncnc("registry", "resume", "--who", "ben", "--reason", "we are back")

    place.night(4, ())  # published by mistake, and taken back
    tag = str(place.lines("snapshots", "list", GRAPH)[-1]["tag"])
    place.ncnc("snapshots", "retract", tag, "--reason", "a test delivery")
    place.ncnc("registry", "pin", "1", "--who", "ann", "--reason", "an audit looks at it")
    place.night(5, kept=True)  # with a late event; the pin stands
    place.report(5)
    place.ncnc("snapshot", "--run-dir", place.run_dir(6), "--as-of", as_of(6).isoformat(), expected=66)
    ended = place.ncnc("report", "--run-dir", place.run_dir(6), "--ended", "--why", "snapshot waits: not delivered")
    place.nights[ended["run"]] = ended["outcome"]


def params(*, epochs: int) -> dict[str, object]:
    """Return what params.yaml says: small windows, and a gate that any model passes."""
    return {
        "snapshot": {
            "graph": GRAPH,
            "kind": "event_log",
            "time_column": "at",
            "directed": True,
            "late_window_hours": 72,
        },
        "split": {"minimum_test_edges": 30, "negatives_per_edge": 10},
        "train": {"model": {"hidden_channels": 8}, "training": {"epochs": epochs, "windows": 2}},
        "evaluate": {"bootstrap_samples": 100, "sensitivity_shares": []},
        "decide": {
            "minimum_test_edges": 1,
            "floor": ["preferential_attachment", "recent_popularity"],
            "evidence": "accumulated",
        },
        "resources": {"threads": 1},
    }
