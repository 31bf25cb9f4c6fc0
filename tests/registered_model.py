"""A version of a model in the registry, made of a folder without a night behind it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pandas import DataFrame

from ncnc_core.link_model import LinkModel
from pipeline.records.digests import digests_of_folder
from pipeline.registry.model_registry import ModelRegistry, version_tags

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)


def register(registry: ModelRegistry, graph: str, folder: Path, *, run_key: str = "3" * 64) -> int:
    """Register a saved model and make it champion, with no entry in a ledger; return the version."""
    run_name = f"{graph}-{AS_OF:%Y%m%d}T{run_key[:6]}Z"
    run_id = registry.open_run(graph, run_name, run_key=run_key, params={})
    ids = list(LinkModel.load(folder).node_ids)
    example = DataFrame({"source": ids[:2], "target": ids[-2:][::-1]})
    model_id = registry.log_model(run_id, folder, input_example=example)
    files = digests_of_folder(folder)
    tags = version_tags(run_key=run_key, run_name=run_name, as_of=AS_OF, snapshot_tag="snap/x", files=files)
    version = registry.create_version(graph, run_id, model_id, tags)
    registry._client.set_registered_model_alias(graph, "champion", str(version))
    return version
