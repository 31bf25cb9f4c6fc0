from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import TamperedRecord
from pipeline.records.names import MODEL_PATH
from pipeline.registry.model_registry import ModelRegistry
from tests.fixtures.registered_model import register


def test_flipped_byte_of_a_served_model_is_refused_and_named(
    tracking_uri: str, graph: str, make_model: Callable[..., Path], tmp_path: Path
) -> None:
    registry = ModelRegistry(tracking_uri)
    found = registry.versions.get(graph, register(registry, graph, make_model()))
    root = Path(tracking_uri.removeprefix("sqlite:///")).parent / "mlartifacts" / graph
    path = next(root.rglob(f"{found.model_id}/**/{MODEL_PATH}/weights.safetensors"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(TamperedRecord, match=rf"weights\.safetensors in {graph} version 1 .* restore it"):
        registry.models.fetch(found, tmp_path / "fetched")
    observed = {item.path: item.sha256 for item in registry.models.observe(found.model_id)}
    recorded = {item.path: item.sha256 for item in found.files}
    assert observed[f"{MODEL_PATH}/weights.safetensors"] != recorded["weights.safetensors"]
    assert "MLmodel" in observed


def test_deleted_model_is_gone_and_deleting_it_again_is_no_error(
    tracking_uri: str, graph: str, make_model: Callable[..., Path]
) -> None:
    registry = ModelRegistry(tracking_uri)
    model_id = registry.versions.get(graph, register(registry, graph, make_model())).model_id
    packed = next(Path(tracking_uri.removeprefix("sqlite:///")).parent.rglob(f"{model_id}/**/MLmodel"))
    for _ in range(2):
        registry.models.delete(model_id)
    assert not packed.exists()
