"""The one way to move an alias: the ledger first, by compare-and-set, then MLflow until it shows the same."""

from __future__ import annotations

import logging
from datetime import datetime

from pipeline.ledger.alias_history import (
    ALIASES,
    AliasState,
    Move,
    Standing,
    crowning,
    observed_moves,
    single_move,
    standings,
    whose_move,
)
from pipeline.ledger.entries import Alias, AliasEntry, AliasObserved
from pipeline.ledger.ledger import Ledger
from pipeline.origin.git import attempts
from pipeline.registry.aliases import RegisteredAliases

logger = logging.getLogger(__name__)


class AliasMoves:
    """Moves champion, challenger and previous. Of two moves at once, the ledger accepts one.

    The ledger is written first. If the process dies before MLflow is changed, the next look finishes the move; no move
    goes unrecorded. A tag of the model in MLflow holds how many ledger entries about each alias MLflow has followed.
    By it an unfinished move is distinguished from an alias that was changed in MLflow without the ledger.
    """

    def __init__(self, ledger: Ledger, aliases: RegisteredAliases) -> None:
        self._ledger = ledger
        self._aliases = aliases

    def move(self, alias: Alias, version: int | None, move: Move) -> None:
        """Point one alias at a version, or at nothing."""
        self._ledger.append_made(move.graph, lambda entries: single_move(entries, alias, version, move))
        self.settle(move.graph)

    def crown(
        self,
        version: int,
        move: Move,
        *,
        instead_of: int | None,
        challenger: bool = True,
        lineage_sha256: str | None = None,
    ) -> tuple[AliasEntry, ...]:
        """Make a version champion in place of another, all aliases in one push; return the moves made.

        None are made where the version is champion already. A promotion gives the digest of the version's lineage
        record, which the ledger keeps; a rollback takes the one that the ledger has.

        Raises:
            Overtaken: another move came first; nothing was moved.
            TamperedRecord: the ledger has another lineage digest of the version; nothing was moved.
        """
        made = self._ledger.append_made(
            move.graph,
            lambda entries: crowning(
                entries,
                version,
                move,
                instead_of=instead_of,
                challenger=challenger,
                lineage_sha256=lineage_sha256,
            ),
        )
        self.settle(move.graph)
        return tuple(entry for entry in made if isinstance(entry, AliasEntry))

    def look(self, graph: str, *, who: str, at: datetime) -> tuple[AliasObserved, ...]:
        """Finish a move that was cut off, and record each alias that was changed in MLflow without the ledger.

        MLflow decides what is served. So the alias stays where it was found, and the ledger records it.
        """
        states = self._aliases.states(graph)  # before the ledger: what is read after it can only be newer
        seen = self._ledger.append_made(
            graph, lambda entries: observed_moves(entries, states, graph=graph, who=who, at=at)
        )
        found = tuple(entry for entry in seen if isinstance(entry, AliasObserved))
        for entry in found:
            logger.warning(
                "%s of %s was changed in MLflow without the ledger, from version %s to %s. The ledger now records it, "
                "and it stays. To move it back: ncnc rollback --graph %s --to VERSION --reason ...",
                entry.alias,
                graph,
                entry.previous,
                entry.version,
                graph,
            )
        self.settle(graph)
        return found

    def settle(self, graph: str) -> None:
        """Make the aliases in MLflow point where the ledger says.

        The ledger is read again after an alias was set: of two that settle at once, the last to set one has read the
        newest entry, or sets it again.
        """
        entries = self._ledger.entries(graph)
        for _ in attempts():
            states = self._aliases.states(graph)
            # A list: every alias is looked at, also after the first that was set.
            changed = [self._settle_one(graph, *item, states[item[0]]) for item in standings(entries).items()]
            if not any(changed):
                return
            again = self._ledger.entries(graph)
            if len(again) == len(entries):
                return
            entries = again

    def _settle_one(self, graph: str, alias: Alias, standing: Standing, state: AliasState) -> bool:
        """Set one alias where MLflow is behind the ledger, and return whether anything was set."""
        whose = whose_move(standing, state)
        if whose == "outside":
            return False  # the next look records it
        if whose == "ours":
            if state.version not in (standing.previous, standing.version):
                logger.warning(
                    "%s of %s was at version %s, where the ledger never put it; it is moved to version %s",
                    alias,
                    graph,
                    state.version,
                    standing.version,
                )
            self._aliases.point(graph, alias, standing.version)
        if state.settled != standing.moves:
            self._aliases.mark_settled(graph, alias, standing.moves)
        return whose == "ours" or state.settled != standing.moves


def in_words(states: dict[Alias, AliasState]) -> str:
    """Return where the aliases point, as a person reads it."""
    said = [f"{alias} {states[alias].version}" for alias in ALIASES if states[alias].version is not None]
    return ", ".join(said) or "none"
