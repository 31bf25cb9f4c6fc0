from __future__ import annotations

from pathlib import Path

from pipeline.registry.model_registry import ModelRegistry


def test_parts_ask_one_server_which_is_opened_when_first_asked(tracking_uri: str, graph: str, tmp_path: Path) -> None:
    unopened = ModelRegistry(f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert "client" not in vars(unopened.server)
    registry = ModelRegistry(tracking_uri)
    assert registry.versions.champion(graph) is None
    parts = [part for name, part in vars(registry).items() if name != "server"]
    assert len(parts) == 8
    assert {id(part.server) for part in parts} == {id(registry.server)}
    assert "client" in vars(registry.server)


def test_run_opened_by_one_part_is_found_by_the_others(tracking_uri: str, graph: str, run_name: str) -> None:
    registry = ModelRegistry(tracking_uri)
    run_id = registry.runs.open(graph, run_name, run_key="3" * 64, params={})
    assert [run.run_id for run in registry.contents.runs(graph)] == [run_id]
