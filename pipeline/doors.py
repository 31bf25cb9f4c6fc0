"""The doors a step may go through: data, ledger and registry, opened from the environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.clock import wall_clock
from pipeline.environment import Environment
from pipeline.ledger.ledger import Ledger
from pipeline.origin.night_branch import NightBranch

if TYPE_CHECKING:
    from pipeline.registry.alias_moves import AliasMoves
    from pipeline.registry.model_registry import ModelRegistry
    from pipeline.snapshots.snapshot_store import SnapshotStore


@dataclass(frozen=True)
class Doors:
    """Every door, opened when first used, so that a step needs only the services it touches.

    Each is imported when it is opened: MLflow and DVC take a second or more to import, and many commands need neither.
    """

    environment: Environment
    clock: Callable[[], datetime] = wall_clock

    @cached_property
    def snapshots(self) -> SnapshotStore:
        """The versioned graph snapshots and splits."""
        from pipeline.snapshots.snapshot_store import SnapshotStore

        return SnapshotStore(self.environment.data_repository, self.environment.home, self.clock)

    @cached_property
    def ledger(self) -> Ledger:
        """What came of each night, and every alias move."""
        return Ledger(self.environment.data_repository, self.environment.home)

    @cached_property
    def aliases(self) -> AliasMoves:
        """The moves of champion, challenger and previous, through ledger and registry."""
        from pipeline.registry.alias_moves import AliasMoves

        return AliasMoves(self.ledger, self.registry.aliases)

    @cached_property
    def registry(self) -> ModelRegistry:
        """Runs, models, versions and aliases in MLflow."""
        from pipeline.registry.model_registry import ModelRegistry

        return ModelRegistry(self.environment.tracking_uri)

    @cached_property
    def nights(self) -> NightBranch:
        """The decided nights' metrics and plots, as DVC compares them."""
        return NightBranch(self.environment.data_repository, self.environment.home)
