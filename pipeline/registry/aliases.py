"""The aliases of a graph's registered model, as MLflow keeps them."""

from __future__ import annotations

from mlflow.exceptions import MlflowException

from pipeline.credentials import public
from pipeline.errors import InvalidInput
from pipeline.ledger.alias_history import ALIASES, AliasState
from pipeline.ledger.entries import Alias
from pipeline.registry.tracking_server import MISSING, TrackingServer, asks_the_server

SETTLED = "ncnc.settled."  # and the alias: how many ledger entries about it MLflow has followed


class RegisteredAliases:
    """Reads aliases, and sets them for `AliasMoves`, which writes the ledger first; nothing else may."""

    def __init__(self, server: TrackingServer) -> None:
        self.server = server

    @asks_the_server
    def of(self, graph: str) -> dict[str, int]:
        """Return where each alias of a graph's model points; empty while there is no model."""
        return self._aliases_and_tags(graph)[0]

    @asks_the_server
    def states(self, graph: str) -> dict[Alias, AliasState]:
        """Return where each of our aliases points, and how many ledger entries about it MLflow has followed."""
        aliases, tags = self._aliases_and_tags(graph)
        return {
            alias: AliasState(aliases.get(alias), int(tags[SETTLED + alias]) if SETTLED + alias in tags else None)
            for alias in ALIASES
        }

    @asks_the_server
    def point(self, graph: str, alias: Alias, version: int | None) -> None:
        """Point an alias at a version, or at nothing. Only `AliasMoves` calls this, after it wrote the ledger.

        Raises:
            InvalidInput: this MLflow has no such version.
        """
        if version is None:
            self.server.client.delete_registered_model_alias(graph, alias)
            return
        try:
            self.server.client.set_registered_model_alias(graph, alias, str(version))
        except MlflowException as error:
            if error.error_code not in MISSING:
                raise
            where = public(self.server.tracking_uri)
            raise InvalidInput(
                f"The ledger has {alias} of {graph} at version {version}, but the MLflow at {where} has no such "
                f"version. Set MLFLOW_TRACKING_URI to the server that the nights use, or roll back to a version that "
                f"is there: ncnc rollback --graph {graph} --to VERSION --reason ..."
            ) from error

    @asks_the_server
    def mark_settled(self, graph: str, alias: Alias, moves: int) -> None:
        """Record how many ledger entries about an alias MLflow has followed."""
        self.server.client.set_registered_model_tag(graph, SETTLED + alias, str(moves))

    def _aliases_and_tags(self, graph: str) -> tuple[dict[str, int], dict[str, str]]:
        try:
            model = self.server.client.get_registered_model(graph)
        except MlflowException as error:
            if error.error_code in MISSING:
                return {}, {}
            raise
        return {alias: int(version) for alias, version in model.aliases.items()}, dict(model.tags)
