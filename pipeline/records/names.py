"""What files and folders of a run are called, and how a time is written in a name."""

from __future__ import annotations

from datetime import UTC, datetime

ARTIFACT = "link_model"  # as served_model.py asks for it
MODEL_PATH = f"artifacts/{ARTIFACT}"
STAMP_FORMAT = "%Y%m%dT%H%M%SZ"


def stamp(as_of: datetime) -> str:
    """Return a time as names carry it: YYYYMMDDTHHMMSSZ, in UTC (a colon is valid in no git ref)."""
    return as_of.astimezone(UTC).strftime(STAMP_FORMAT)


def graph_of_tag(tag: str) -> str:
    """Return the time of the graph that a snapshot's tag publishes, for a person; the tag where it is none of ours."""
    try:
        return f"{datetime.strptime(tag.split('/')[2], STAMP_FORMAT).replace(tzinfo=UTC):%Y-%m-%d %H:%M}"
    except (IndexError, ValueError):
        return tag


SNAPSHOT_FOLDER = "snapshot"
SPLIT_FOLDER = "split"
MODEL_FOLDER = "model"
CONTROL_FOLDER = "control"  # the same recipe from random weights, beside a challenger that began warm
PARAMS_FILE = "params.yaml"
BATCHES = "-recommendations"  # behind the graph: the experiment of its batches in MLflow
RUNS = "runs"  # the folder in NCNC_HOME that holds the run folders
