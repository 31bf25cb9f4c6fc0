"""Plain values about registered versions and runs; they import no MLflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pipeline.records.digests import FileDigest

WEIGHTS_OF = "ncnc.weights_of"  # the tag of a refresh


@dataclass(frozen=True)
class ModelVersion:
    """One registered version; `files` are those of its saved model, which `PackedModels.fetch` verifies.

    A refresh has the MLflow run and the run's name of the version whose weights it carries, `weights_of`; `as_of` and
    the snapshot's tag are those of its own graph, and `run_key` is its own.
    """

    name: str
    version: int
    run_id: str
    model_id: str
    run_key: str
    run_name: str
    as_of: datetime
    files: tuple[FileDigest, ...]
    tags: Mapping[str, str]

    @property
    def weights_of(self) -> int:
        """The version whose weights it carries: itself where it is no refresh."""
        return int(self.tags.get(WEIGHTS_OF, self.version))

    @property
    def is_refresh(self) -> bool:
        """Whether it carries another version's weights."""
        return self.weights_of != self.version

    @property
    def snapshot_tag(self) -> str:
        """The tag of the snapshot whose graph it carries; empty where it has none, as one registered by hand."""
        return self.tags.get("ncnc.snapshot_tag", "")


@dataclass(frozen=True)
class RegisteredVersion:
    """One version: when it was made, the aliases at it, and of which run; `run_name` is None where it is not ours.

    `weights_of` is the version whose weights a refresh carries, None where it is none.
    """

    version: int
    made_at: datetime
    aliases: tuple[str, ...] = ()
    run_name: str | None = None
    approved_by: str | None = None
    weights_of: int | None = None
    snapshot_tag: str | None = None


@dataclass(frozen=True)
class RunState:
    """One MLflow run: whether it has ended, and whether it still holds a checkpoint and a trained model."""

    run_id: str
    run_name: str
    ended: bool
    has_checkpoint: bool = False
    has_model: bool = False


@dataclass(frozen=True)
class BatchState:
    """One batch of recommendations that machines share through MLflow: of which version, and whether it is complete."""

    run_name: str
    version: int
    complete: bool


def version_tags(
    *,
    run_key: str,
    run_name: str,
    as_of: datetime,
    snapshot_tag: str,
    files: tuple[FileDigest, ...],
    weights_of: int | None = None,
) -> dict[str, str]:
    """Return the tags that every version of this pipeline has: the run that made it, its snapshot, its files.

    A refresh also has the version whose weights it carries.
    """
    refresh = {} if weights_of is None else {WEIGHTS_OF: str(weights_of)}
    return {
        **refresh,
        "ncnc.run_key": run_key,
        "ncnc.run_name": run_name,
        "ncnc.as_of": as_of.isoformat(),
        "ncnc.snapshot_tag": snapshot_tag,
        "ncnc.files": json.dumps({item.path: item.sha256 for item in files}),
    }
