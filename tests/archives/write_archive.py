"""Write an archive: what this version leaves on disk after some nights, for later versions to be tested against.

    python tests/archives/write_archive.py --commit be6f912 --at /srv/ncnc tests/archives/format-2026-11.tar.xz

With `--dated` the nights are those of an event log (dated_nights.py), which older versions do not know.

It uses the command line alone, so that it works with any version. It runs that of `--commit`, which it clones into the
folder `--at`, with the libraries of the Python that runs this script. The folder must be absent: it is made, packed and
removed, unless something fails. Its path is written into what a night leaves, so choose one that says nothing of your
machine. The names of user, host and processor are replaced where Python asks for them (neutral_place.py). No byte is
edited afterwards: every digest in the archive is one that the code computed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dated_nights
from deliveries_of_nights import deliver, nights
from neutral_place import CHECKOUT, GRAPH, STEPS, Place
from packed_archive import pack, require_neutral

REAL_PLACES = (CHECKOUT, Path(sys.prefix), Path.home())
WITHOUT_CHALLENGER = f"""\
import os
from mlflow import MlflowClient
MlflowClient(os.environ["MLFLOW_TRACKING_URI"]).delete_registered_model_alias("{GRAPH}", "challenger")
"""
LIBRARY_MODEL = """\
import json, sys
from ncnc_core.link_model import LinkModel
try:
    from ncnc_core.config.training import TrainingConfig
except ModuleNotFoundError:  # where it was until 2026-11-28
    from ncnc_core.training_config import TrainingConfig
edges = [(f"node {i}", f"node {(i + step) % 40}") for i in range(40) for step in (1, 2, 3)]
model = LinkModel.fit(edges, training=TrainingConfig(epochs=5))
model.save(sys.argv[1])
pairs = [["node 7", "node 11"], ["node 0", "node 20"], ["node 39", "node 3"]]
print(json.dumps([{"source": s, "target": t, "logit": float(model.score_ids([s], [t])[0])} for s, t in pairs]))
"""


def play(place: Place) -> None:
    """Play the nights, and what people do between them."""
    source = place.root / "deliveries"
    for day, night in zip(range(2, 8), nights(), strict=False):
        deliver(night, source, f"2026-03-{day:02}", keep=0.35 if day == 4 else 1.0)
    place.ncnc("snapshots", "init")

    place.set_params(epochs=4, hidden=8)  # four epochs: better than the heuristics, and easily beaten later
    place.night(2)
    place.report(2)
    place.night(3, kept=True)  # the same recipe again is not provably better
    place.report(3)
    place.ncnc("tune", "--run-dir", place.run_dir(3), "--trials", "2")
    place.night(4, refused=True)  # a third of the edges: the delivery looks truncated
    place.report(4)

    place.set_params(epochs=25, hidden=16)  # trained to the end
    place.night(5, STEPS[:-1])
    place.ncnc("nominate", "--run-dir", place.run_dir(5))
    place.ncnc("promote", "--run-dir", place.run_dir(5), "--who", "ann", "--reason", "looks good")
    place.report(5)
    place.ncnc("rollback", "--graph", GRAPH, "--to", "1", "--who", "ben", "--reason", "complaints since this morning")

    place.ncnc("registry", "gc", "--apply", "--checkpoint-days", "0", "--reason", "the disk is full")
    place.python(WITHOUT_CHALLENGER)  # an alias changed in MLflow without the ledger
    place.set_params(epochs=12, hidden=8, warm_start="champion")
    place.night(6, STEPS[:-1])
    place.ncnc("nominate", "--run-dir", place.run_dir(6))
    place.ncnc("reject", "--run-dir", place.run_dir(6), "--who", "ann", "--reason", "wants a second night")
    place.report(6)
    place.set_params(epochs=4, hidden=8)  # of the next night, 2026-03-07, whose delivery is there


def recommend_and_collect(place: Place) -> None:
    """Make batches of recommendations and leave one unfinished, hold a snapshot, and collect an old one."""
    folder = place.root / "home" / "recommendations"
    place.ncnc("recommend", f"{GRAPH}@champion", "-k", "3", "--nodes-per-shard", "150", "--probability")
    planned, begun = (str(folder / f"{GRAPH}-2026030{day}T060000Z") for day in (5, 6))
    for batch in (planned, begun):
        place.ncnc("recommend-plan", "--run-dir", batch, "--model", "2", "-k", "2", "--nodes-per-shard", "150")
        place.ncnc("recommend-shard", "--run-dir", batch, "--shard", "0")
    place.ncnc("recommend-shard", "--run-dir", planned, "--shard", "1")
    place.ncnc("recommend-publish", "--run-dir", planned)

    tags = [line["tag"] for line in snapshots(place)]
    place.ncnc("snapshots", "hold", tags[0], "--reason", "figure 3 of the paper")
    place.ncnc("snapshots", "hold", tags[2], "--reason", "a mistake")
    place.ncnc("snapshots", "release", tags[2], "--reason", "it was a mistake")
    policy = ("--keep-last", "1", "--keep-days", "0", "--grace-hours", "0")
    plan = place.ncnc("snapshots", "gc", "--dry-run", *policy)["plan"]
    place.ncnc("snapshots", "gc", "--plan", plan, *policy, "--reason", "the disk is full")


def snapshots(place: Place) -> list[dict[str, Any]]:
    """Return what is listed of every snapshot."""
    return place.lines("snapshots", "list", GRAPH)


def manifest(place: Place, library_model: str) -> dict[str, Any]:
    """Say what is in the archive, and what a later version must find in it."""
    pairs = [(1001, 1004), (1010, 1200)]
    explained = [
        {"version": version, "source": source, "target": target}
        | {"score": place.ncnc("explain", f"{GRAPH}@{version}", *ends(source, target), "--json")["score"]}
        for version in (1, 2)
        for source, target in pairs
    ]
    library = place.python(library_model, str(place.root / "library-model"))
    runs = place.root / "home" / "runs"
    return {
        "written_at": str(place.root),
        "written_by": place.commit,
        "graph": GRAPH,
        "next_as_of": "2026-03-07T03:00:00Z",
        "registry": place.ncnc("registry", "show"),
        "history": place.lines("registry", "history")[:-1],
        "nights": place.nights,
        "status": place.ncnc("status"),
        "snapshots": snapshots(place),
        "audits": [place.ncnc("audit", "model", f"{GRAPH}@{version}") for version in (1, 2)],
        "recommended": place.ncnc("recommend", f"{GRAPH}@champion", "--node", "1001", "-k", "3", "--json"),
        "explained": explained,
        "library_model": json.loads(library.strip().splitlines()[-1]),
        "records": {str(path.relative_to(runs)): sha256(path) for path in sorted(runs.glob("*/*.json"))},
    }


def ends(source: int, target: int) -> tuple[str, ...]:
    """Return the options that name a pair."""
    return "--source", str(source), "--target", str(target)


def sha256(path: Path) -> str:
    """Return the digest of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """Write one archive."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--at", type=Path, required=True)
    parser.add_argument("--commit", default="HEAD")
    parser.add_argument("--dated", action="store_true", help="the nights of dated_nights.py")
    given = parser.parse_args()
    named = ["git", "-C", str(CHECKOUT), "rev-parse", "--short", f"{given.commit}^{{commit}}"]
    place = Place(given.at, subprocess.check_output(named, text=True).strip())
    nights = dated_nights if given.dated else sys.modules[__name__]
    nights.play(place)
    recommend_and_collect(place)
    found = manifest(place, nights.LIBRARY_MODEL)
    (place.root / "manifest.json").write_text(json.dumps(found, indent=2) + "\n")
    place.commands.communicate()
    shutil.rmtree(place.root / "user")
    require_neutral(place.root, REAL_PLACES)
    pack(place.root, given.archive)
    shutil.rmtree(place.root)


if __name__ == "__main__":
    main()
