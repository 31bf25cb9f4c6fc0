"""The section `refresh` of params.yaml: when the champion's weights are not served on tonight's graph."""

from __future__ import annotations

from pydantic import Field

from pipeline.params.file import Section


class RefreshParams(Section):
    """What a refresh must hold; how it is judged: docs/registry.md."""

    maximum_loss: float = Field(default=0.1, ge=0, lt=1)
    minimum_test_edges: int = Field(default=50, ge=2)
