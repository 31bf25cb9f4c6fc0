"""The door to MLflow: one object that holds the registry's parts, all of one server."""

from __future__ import annotations

from pipeline.registry.aliases import RegisteredAliases
from pipeline.registry.contents import RegistryContents
from pipeline.registry.model_versions import ModelVersions
from pipeline.registry.night_pages import NightPages
from pipeline.registry.night_runs import NightRuns
from pipeline.registry.packed_models import PackedModels
from pipeline.registry.refresh_records import RefreshRecords
from pipeline.registry.tracking_server import TrackingServer
from pipeline.registry.tuning_runs import TuningRuns


class ModelRegistry:
    """The parts of the registry, by what they are about; a part gets the server and the parts that it needs."""

    def __init__(self, tracking_uri: str) -> None:
        self.server = TrackingServer(tracking_uri)
        self.runs = NightRuns(self.server)
        self.aliases = RegisteredAliases(self.server)
        self.models = PackedModels(self.server)
        self.versions = ModelVersions(self.server, self.aliases, self.models)
        self.refreshes = RefreshRecords(self.server)
        self.contents = RegistryContents(self.server, self.aliases)
        self.pages = NightPages(self.server, self.runs)
        self.tuning = TuningRuns(self.server, self.runs)
