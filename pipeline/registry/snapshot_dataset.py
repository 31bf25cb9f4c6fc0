"""A published snapshot as an MLflow input dataset: where it lies in DVC, and our own full digest."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from mlflow.data.dataset_source import DatasetSource
from mlflow.data.dataset_source_registry import register_dataset_source
from mlflow.entities import Dataset, DatasetInput, InputTag

from pipeline.credentials import public
from pipeline.errors import InvalidInput
from pipeline.records.chain import GraphSnapshot

# MLflow's column for a digest ends here, so the field holds the beginning and the source the whole.
# MLflow's own digest would look at 10,000 rows only.
DIGEST_LENGTH = 36


@dataclass(frozen=True)
class DvcSource(DatasetSource):
    """A DVC-tracked path at a tag of a git repository; `dvc get REPOSITORY PATH --rev TAG` reads it."""

    repository: str
    tag: str
    path: str
    content_id: str
    manifest_sha256: str

    @staticmethod
    def _get_source_type() -> str:
        return "dvc"

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return False  # only this pipeline makes such sources

    @classmethod
    def _resolve(cls, raw_source: Any) -> DvcSource:
        raise InvalidInput(f"A dvc source is not made from {raw_source!r}. Use DvcSource.from_dict.")

    def load(self) -> str:
        """Return the command that reads the bytes; the data never passes through MLflow."""
        return f"dvc get {self.repository} {self.path} --rev {self.tag} && cd data && sha256sum -c SHA256SUMS"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, as stored."""
        return asdict(self)

    @classmethod
    def from_dict(cls, source_dict: dict[Any, Any]) -> DvcSource:
        """Make the source from stored fields."""
        return cls(**source_dict)


register_dataset_source(DvcSource)  # type: ignore[arg-type]  # MLflow's annotation says instance, its code takes the class


def snapshot_input(snapshot: GraphSnapshot, data_repository: str) -> DatasetInput:
    """Return the snapshot as a training input that MLflow can show and DVC can read back."""
    source = DvcSource(
        repository=public(data_repository),  # a token in a URL is no part of the lineage
        tag=snapshot.tag,
        path=f"{snapshot.graph}/data",
        content_id=snapshot.content_id,
        manifest_sha256=snapshot.manifest_sha256,
    )
    dataset = Dataset(
        name=snapshot.graph,
        digest=snapshot.content_id[:DIGEST_LENGTH],
        source_type=source._get_source_type(),
        source=source.to_json(),
        profile=json.dumps(
            {"num_nodes": snapshot.num_nodes, "num_edges": snapshot.num_edges, "as_of": snapshot.as_of.isoformat()}
        ),
    )
    return DatasetInput(dataset=dataset, tags=[InputTag(key="mlflow.data.context", value="training")])
