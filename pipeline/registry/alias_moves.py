"""The one way an alias moves: the ledger first, by compare-and-set, then MLflow until it says the same."""

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
    """Moves champion, challenger and previous; of two moves at once the ledger lets one win.

    The ledger is written ahead: a kill between ledger and MLflow leaves an entry that the next look completes, and
    never a move that nobody wrote down. MLflow keeps, as a tag of the model, after how many entries each alias was
    last brought in line; so a move that is merely unfinished is told from one made past the ledger.
    """

    def __init__(self, ledger: Ledger, aliases: RegisteredAliases) -> None:
        self._ledger = ledger
        self._aliases = aliases

    def move(self, alias: Alias, version: int | None, move: Move) -> None:
        """Point one alias at a version, or at nothing."""
        self._ledger.append_made(move.graph, lambda entries: single_move(entries, alias, version, move))
        self.settle(move.graph)

    def crown(
        self, version: int, move: Move, *, instead_of: int | None, challenger: bool = True
    ) -> tuple[AliasEntry, ...]:
        """Make a version champion in place of another, all aliases in one push; return the moves, none if it was.

        Raises:
            Overtaken: another move came first; nothing was moved.
        """
        made = self._ledger.append_made(
            move.graph,
            lambda entries: crowning(entries, version, move, instead_of=instead_of, challenger=challenger),
        )
        self.settle(move.graph)
        return tuple(entry for entry in made if isinstance(entry, AliasEntry))

    def look(self, graph: str, *, who: str, at: datetime) -> tuple[AliasObserved, ...]:
        """Finish a move that was cut off, and enter and tell of each one that was made past the ledger.

        What MLflow says is what is served, so the alias is left where it was found, and the ledger follows.
        """
        states = self._aliases.states(graph)  # before the ledger: what is read after it can only be newer
        seen = self._ledger.append_made(
            graph, lambda entries: observed_moves(entries, states, graph=graph, who=who, at=at)
        )
        found = tuple(entry for entry in seen if isinstance(entry, AliasObserved))
        for entry in found:
            logger.warning(
                "%s of %s was moved past the ledger, from version %s to %s. It is entered in the ledger; what serves "
                "now counts. `ncnc rollback --graph %s --to VERSION --reason ...` moves it back.",
                entry.alias,
                graph,
                entry.previous,
                entry.version,
                graph,
            )
        self.settle(graph)
        return found

    def settle(self, graph: str) -> None:
        """Bring MLflow in line with what the ledger had written ahead.

        The ledger is read again after the aliases were set: of two that settle at once, the last to set one has read
        the newest entry, or sets it again.
        """
        entries = self._ledger.entries(graph)
        for _ in attempts():
            states = self._aliases.states(graph)
            for alias, standing in standings(entries).items():
                self._settle_one(graph, alias, standing, states[alias])
            again = self._ledger.entries(graph)
            if len(again) == len(entries):
                return
            entries = again

    def _settle_one(self, graph: str, alias: Alias, standing: Standing, state: AliasState) -> None:
        whose = whose_move(standing, state)
        if whose == "outside":
            return  # for the next look to enter
        if whose == "ours":
            if state.version not in (standing.previous, standing.version):
                logger.warning(
                    "%s of %s stood at version %s, where the ledger never put it; it is moved to %s all the same",
                    alias,
                    graph,
                    state.version,
                    standing.version,
                )
            self._aliases.point(graph, alias, standing.version)
        if state.settled != standing.moves:
            self._aliases.mark_settled(graph, alias, standing.moves)


def in_words(states: dict[Alias, AliasState]) -> str:
    """Return where the aliases point, for a person."""
    said = [f"{alias} {states[alias].version}" for alias in ALIASES if states[alias].version is not None]
    return ", ".join(said) or "none"
