"""Plain values about registered versions and runs; they import no MLflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pipeline.records.digests import FileDigest


@dataclass(frozen=True)
class ModelVersion:
    """One registered version; `files` are the trained model's, which `PackedModels.fetch` verifies."""

    name: str
    version: int
    run_id: str
    model_id: str
    run_key: str
    run_name: str
    as_of: datetime
    files: tuple[FileDigest, ...]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class RegisteredVersion:
    """One version: when it was made, the aliases at it, and of which run; `run_name` is None where it is not ours."""

    version: int
    made_at: datetime
    aliases: tuple[str, ...] = ()
    run_name: str | None = None
    approved_by: str | None = None


@dataclass(frozen=True)
class RunState:
    """One MLflow run: whether it has ended, and whether it still holds a checkpoint and a trained model."""

    run_id: str
    run_name: str
    ended: bool
    has_checkpoint: bool = False
    has_model: bool = False


def version_tags(
    *, run_key: str, run_name: str, as_of: datetime, snapshot_tag: str, files: tuple[FileDigest, ...]
) -> dict[str, str]:
    """Return the tags that every version of this pipeline has: the run that made it, its snapshot, its files."""
    return {
        "ncnc.run_key": run_key,
        "ncnc.run_name": run_name,
        "ncnc.as_of": as_of.isoformat(),
        "ncnc.snapshot_tag": snapshot_tag,
        "ncnc.files": json.dumps({item.path: item.sha256 for item in files}),
    }
