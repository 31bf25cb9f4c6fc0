"""The aliases of a graph's registered model, as MLflow keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import MlflowException

from pipeline.credentials import public
from pipeline.ledger.alias_history import ALIASES, AliasState
from pipeline.ledger.entries import Alias
from pipeline.ledger.registry_agreement import RegistryState
from pipeline.registry.facts import WEIGHTS_OF
from pipeline.registry.tracking_server import MISSING, TrackingServer, asks_the_server

SETTLED = "ncnc.settled."  # and the alias: how many ledger entries about it MLflow has followed
ENTRIES = "ncnc.settled.entries"  # how many entries the ledger had then, of whatever kind


class RegisteredAliases:
    """Reads aliases, and sets them for `AliasMoves`, which writes the ledger first; nothing else may."""

    def __init__(self, server: TrackingServer) -> None:
        self.server = server

    @asks_the_server
    def of(self, graph: str) -> dict[str, int]:
        """Return where each alias of a graph's model points; empty while there is no model."""
        model = self._model(graph)
        return {} if model is None else {alias: int(version) for alias, version in model.aliases.items()}

    @asks_the_server
    def state(self, graph: str) -> RegistryState:
        """Return a graph's registered model: when it was made, its aliases, and its versions with their run keys."""
        model, where = self._model(graph), public(self.server.tracking_uri)
        if model is None:
            return RegistryState(where, None, dict.fromkeys(ALIASES, AliasState(None, None)), {})
        tags, versions = model.tags, tuple(self.server.versions(graph))
        return RegistryState(
            where=where,
            made_at=datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=model.creation_timestamp),
            aliases={
                alias: AliasState(_number(model.aliases.get(alias)), _number(tags.get(SETTLED + alias)))
                for alias in ALIASES
            },
            versions={int(item.version): item.tags.get("ncnc.run_key") for item in versions},
            num_entries=_number(tags.get(ENTRIES)),
            weights={int(item.version): int(item.tags[WEIGHTS_OF]) for item in versions if WEIGHTS_OF in item.tags},
        )

    @asks_the_server
    def point(self, graph: str, alias: Alias, version: int | None) -> None:
        """Point an alias at a version, or at nothing. Only `AliasMoves` calls this, after it wrote the ledger."""
        if version is None:
            self.server.client.delete_registered_model_alias(graph, alias)
        else:
            self.server.client.set_registered_model_alias(graph, alias, str(version))

    @asks_the_server
    def mark_settled(self, graph: str, alias: Alias, moves: int) -> None:
        """Record how many ledger entries about an alias MLflow has followed."""
        self.server.client.set_registered_model_tag(graph, SETTLED + alias, str(moves))

    @asks_the_server
    def mark_entries(self, graph: str, num_entries: int) -> None:
        """Record how many entries the ledger has, so that a ledger with fewer is known to have lost some."""
        self.server.client.set_registered_model_tag(graph, ENTRIES, str(num_entries))

    @asks_the_server
    def make_model(self, graph: str) -> None:
        """Make a registered model without a version, where a person adopts an MLflow that has none."""
        self.server.client.create_registered_model(graph)

    def _model(self, graph: str) -> RegisteredModel | None:
        try:
            return self.server.client.get_registered_model(graph)
        except MlflowException as error:
            if error.error_code in MISSING:
                return None
            raise


def _number(text: str | int | None) -> int | None:
    return None if text is None else int(text)
