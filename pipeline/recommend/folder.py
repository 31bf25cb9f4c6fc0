"""The folder of a batch of recommendations: its plan, its shards and its manifest, shared through MLflow if asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from ncnc_core.whole_file import UNFINISHED, whole_file, write_whole
from pipeline.errors import InvalidInput, TamperedRecord
from pipeline.recommend.plan import PLAN_KEY, RecommendationPlan, nodes_text
from pipeline.records.digests import sha256_of_file
from pipeline.records.manifest import MANIFEST, read_manifest
from pipeline.records.names import BATCHES
from pipeline.registry.model_registry import ModelRegistry

NODES_FILE = "nodes.json"


@dataclass(frozen=True)
class SharedRun:
    """The MLflow run through which machines without a common disk hand each other the plan and the shards."""

    registry: ModelRegistry
    run_id: str

    @classmethod
    def of(cls, registry: ModelRegistry, graph: str, run_name: str) -> SharedRun:
        """Return the run of a batch, opened if there is none: in an experiment beside that of the graph's nights."""
        return cls(registry, registry.runs.open(f"{graph}{BATCHES}", run_name, run_key="none", params={}))


@dataclass(frozen=True)
class RecommendationFolder:
    """Plan, shards, manifest; every file is published by one atomic rename and has its sha256 beside it.

    A shard is finished when its digest is there and its bytes match it, here or in the shared run. A killed batch
    continues where it stopped, and a machine fetches the files that it lacks. `shared` is None for a batch that one
    machine makes.
    """

    path: Path
    shared: SharedRun | None = None

    @property
    def plan(self) -> RecommendationPlan:
        """The plan.

        Raises:
            InvalidInput: nothing was planned here.
        """
        found = self.find_plan()
        if found is None:
            raise InvalidInput(f"{self.path} has no {RecommendationPlan.file_name}. Run `ncnc recommend-plan` first.")
        return found

    def find_plan(self) -> RecommendationPlan | None:
        """Return the plan, fetched and kept where it was missing or damaged here; None where there is none yet."""
        shared = self.shared
        return RecommendationPlan.kept(
            self.path,
            lambda: shared.registry.runs.get_record(shared.run_id, RecommendationPlan) if shared else None,
        )

    def begin(self, wanted: RecommendationPlan, node_ids: list[int | str] | None, *, any_model: bool) -> None:
        """Write the plan, or continue with the one that is here.

        Raises:
            InvalidInput: another request was planned here.
        """
        standing = self.find_plan()
        if standing is not None:
            standing.require_same_request(wanted, str(self.path), any_model=any_model)
            return
        self.path.mkdir(parents=True, exist_ok=True)
        if node_ids is not None:
            self._keep(NODES_FILE, lambda staged: staged.write_text(nodes_text(node_ids)))
        if self.shared is not None:
            self.shared.registry.runs.put_record(self.shared.run_id, wanted)
            self.shared.registry.runs.pinned(self.shared.run_id, "model", wanted.model)  # no collection takes it
        wanted.write(self.path)  # last: whoever sees a plan sees the nodes it is about

    def node_ids(self) -> list[int | str] | None:
        """Return the nodes that were asked for, None for every node of the graph.

        Raises:
            TamperedRecord: the file of them is gone, or is another than was planned.
        """
        digest = self.plan.nodes_sha256
        if digest is None:
            return None
        path = self.path / NODES_FILE
        if self.shared is not None and not _has_digest(path, digest):
            self.shared.registry.runs.fetch_file(self.shared.run_id, path, NODES_FILE)
        if not _has_digest(path, digest):
            raise TamperedRecord(
                f"{path} is not the list of nodes that was planned (sha256 {digest[:12]}). Restore it, or plan again "
                f"in another folder."
            )
        nodes: list[int | str] = json.loads(path.read_text())
        return nodes

    def is_finished(self, shard: int) -> bool:
        """Return whether a shard is made, here or, fetched and kept now, in the shared run."""
        name = shard_file(shard)
        if self._stands(name):
            return True
        if self.shared is None or not self.shared.registry.runs.fetch_file(self.shared.run_id, self.path / name, name):
            return False
        self._write_digest(name)
        return True

    def finish(self, shard: int, write: Callable[[Path], int]) -> int:
        """Let `write` make a shard's file, publish it with its digest, and return how many rows `write` says it has."""
        rows = self._keep(shard_file(shard), write)
        self._write_digest(shard_file(shard))
        return rows

    def publish(self) -> str:
        """Write the manifest over plan and shards, and return its sha256; a reader checks with `sha256sum -c`.

        Raises:
            InvalidInput: a shard is missing.
        """
        plan = self.plan
        missing = [shard for shard in plan.shards if not self.is_finished(shard)]
        if missing:
            raise InvalidInput(
                f"{len(missing)} of {len(plan.shards)} shards of {self.path} are missing (first: {missing[0]}). Run "
                f"`ncnc recommend-shard --shard {missing[0]}` for it, or the whole command again, and publish then."
            )
        self.node_ids()
        names = [*map(shard_file, plan.shards), RecommendationPlan.file_name]
        names += [NODES_FILE] if plan.nodes_sha256 else []
        lines = [f"{sha256_of_file(self.path / name)}  {name}\n" for name in sorted(names)]
        self._keep(MANIFEST, lambda staged: staged.write_text("".join(lines)))
        if self.shared is not None:
            self.shared.registry.runs.close(self.shared.run_id, "published")
        for left in [*self.path.glob("part-*.sha256"), *self.path.glob(UNFINISHED)]:
            left.unlink(missing_ok=True)  # the manifest has the digests now
        return sha256_of_file(self.path / MANIFEST)

    def _stands(self, name: str) -> bool:
        path = self.path / name
        if not path.is_file():
            return False
        beside, manifest = self.path / f"{name}.sha256", self.path / MANIFEST
        if beside.is_file():
            right = beside.read_text() == _digest_line(path)
        else:
            right = manifest.is_file() and read_manifest(self.path).get(name) == sha256_of_file(path)
        # The bytes first: what was cut short is no Parquet file.
        return right and (pq.read_schema(path).metadata or {}).get(PLAN_KEY.encode()) == self.plan.sha256.encode()

    def _write_digest(self, name: str) -> None:
        write_whole(self.path / f"{name}.sha256", _digest_line(self.path / name))

    def _keep(self, name: str, write: Callable[[Path], int]) -> int:
        """Publish a file whole or not at all, and share it; a try that is killed leaves a name nobody reads."""
        with whole_file(self.path / name) as staged:
            answer = write(staged)
            if self.shared is not None:
                self.shared.registry.runs.put_file(self.shared.run_id, staged, name)
        return answer


def shard_file(shard: int) -> str:
    """Return the name of a shard's file."""
    return f"part-{shard:05d}.parquet"


def _has_digest(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_of_file(path) == sha256


def _digest_line(path: Path) -> str:
    return f"{sha256_of_file(path)}  {path.name}\n"
