"""The one way to move an alias: the ledger first, by compare-and-set, then MLflow until it shows the same."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from pipeline.ledger.alias_history import (
    ALIASES,
    Move,
    Standing,
    crowning,
    observed_moves,
    single_move,
    standings,
    whose_move,
)
from pipeline.ledger.entries import Alias, AliasEntry, AliasObserved, Entry, GraphRefreshed
from pipeline.ledger.ledger import Ledger
from pipeline.ledger.promotion_stops import expect_promotions
from pipeline.ledger.refreshes import refreshing
from pipeline.ledger.registry_agreement import (
    RegistriesDisagree,
    RegistryState,
    adoption,
    binding,
    expect_agreement,
    expect_target,
)
from pipeline.ledger.served_weights import with_weights
from pipeline.origin.git import attempts
from pipeline.registry.aliases import RegisteredAliases

logger = logging.getLogger(__name__)
Made = Callable[[tuple[Entry, ...], RegistryState], Sequence[Entry]]
T = TypeVar("T")


class AliasMoves:
    """Moves champion, challenger and previous. Of two moves at once, the ledger accepts one.

    The ledger is written first. If the process dies before MLflow is changed, the next look finishes the move; no move
    goes unrecorded. A tag of the model in MLflow holds how many ledger entries about each alias MLflow has followed.
    By it an unfinished move is distinguished from an alias that was changed in MLflow without the ledger.

    Nothing is read as a move, written or moved where ledger and MLflow do not belong together, or where one of them has
    lost something: `RegistriesDisagree` is raised then.
    """

    def __init__(self, ledger: Ledger, aliases: RegisteredAliases) -> None:
        self._ledger = ledger
        self._aliases = aliases

    def move(self, alias: Alias, version: int | None, move: Move) -> None:
        """Point one alias at a version, or at nothing."""
        self._append(
            move,
            lambda entries, state: with_weights(single_move(entries, alias, version, move), state.weights),
            version,
        )
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
            PromotionsAreStopped: the champion is pinned, or promotions are paused; nothing was moved.
            TamperedRecord: the ledger has another lineage digest of the version; nothing was moved.
        """

        def crowned(entries: tuple[Entry, ...], _: RegistryState) -> Sequence[Entry]:
            moves = crowning(
                entries,
                version,
                move,
                instead_of=instead_of,
                challenger=challenger,
                lineage_sha256=lineage_sha256,
            )
            if moves:
                expect_promotions(entries, move.at, rollback=not challenger)
            return moves

        made = self._append(move, crowned, version)
        self.settle(move.graph)
        return tuple(entry for entry in made if isinstance(entry, AliasEntry))

    def refresh(self, refresh: GraphRefreshed) -> tuple[Entry, ...]:
        """Make a version of the champion's own weights champion; return the entries, none where it is champion already.

        `previous` is not moved: it means other weights. A pin and a pause hold nothing back.

        Raises:
            NothingToDo: the champion has other weights by now; nothing was moved.
            TamperedRecord: the ledger has another lineage digest of the version; nothing was moved.
        """
        move = Move(refresh.graph, refresh.who, refresh.why, refresh.at)
        made = self._append(move, lambda entries, _: refreshing(entries, refresh), refresh.version)
        self.settle(refresh.graph)
        return made

    def look(self, graph: str, *, who: str, at: datetime) -> tuple[AliasObserved, ...]:
        """Finish a move that was cut off, and record each alias that was changed in MLflow without the ledger.

        MLflow decides what is served. So the alias stays where it was found, and the ledger records it.
        """
        seen = self._append(
            Move(graph, who, "", at),
            lambda entries, state: with_weights(
                observed_moves(entries, state.aliases, graph=graph, who=who, at=at), state.weights
            ),
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

        Both are read again after an alias was set: of two that settle at once, the last to set one has read the newest
        entry, or sets it again.
        """
        for _ in attempts():
            state, entries = _again_where_they_disagree(lambda: self._read(graph))
            # A list: every alias is looked at, also after the first that was set.
            changed = [self._settle_one(graph, *item, state) for item in standings(entries).items()]
            if not any(changed):
                if state.made_at is not None and state.num_entries != len(entries):
                    self._aliases.mark_entries(graph, len(entries))
                return

    def expect_agreement(self, graph: str) -> None:
        """Refuse to go on where ledger and MLflow do not belong together, or one has lost something.

        Raises:
            RegistriesDisagree: they do not.
        """
        _again_where_they_disagree(lambda: self._read(graph))

    def adopt(self, move: Move) -> tuple[Entry, ...]:
        """Make the ledger tell of the MLflow at hand, as it is, in a person's name; return the entries.

        No alias in MLflow is moved. A registered model is made, without a version, where there is none.
        """
        if self._aliases.state(move.graph).made_at is None:
            self._aliases.make_model(move.graph)
        state = self._aliases.state(move.graph)
        made = self._ledger.append_made(move.graph, lambda entries: adoption(entries, state, move))
        entries = self._ledger.entries(move.graph)
        known = standings(entries)
        for alias in ALIASES:
            self._aliases.mark_settled(move.graph, alias, known[alias].moves if alias in known else 0)
        self._aliases.mark_entries(move.graph, len(entries))
        return made

    def _append(self, move: Move, made: Made, version: int | None = None) -> tuple[Entry, ...]:
        """Append what is made where both agree, behind the entry that binds them where they were not bound yet."""

        def append() -> tuple[Entry, ...]:
            state = self._aliases.state(move.graph)  # before the ledger: what is read after it can only be newer

            def checked(entries: tuple[Entry, ...]) -> Sequence[Entry]:
                expect_agreement(entries, state, move.graph)
                expect_target(entries, state, move.graph, version)
                return (*binding(entries, state, move), *made(entries, state))

            return self._ledger.append_made(move.graph, checked)

        return _again_where_they_disagree(append)

    def _read(self, graph: str) -> tuple[RegistryState, tuple[Entry, ...]]:
        state = self._aliases.state(graph)
        entries = self._ledger.entries(graph)
        expect_agreement(entries, state, graph)
        return state, entries

    def _settle_one(self, graph: str, alias: Alias, standing: Standing, registry: RegistryState) -> bool:
        """Set one alias where MLflow is behind the ledger, and return whether anything was set."""
        state = registry.aliases[alias]
        whose = whose_move(standing, state)
        if whose == "outside":
            return False  # the next look records it
        if whose == "ours":
            if standing.version is not None and standing.version not in registry.versions:
                # Never the champion: without it nothing is settled at all.
                logger.warning(
                    "%s of %s is version %s by the ledger, and MLflow has no such version: the alias stays at %s",
                    alias,
                    graph,
                    standing.version,
                    state.version,
                )
                return False
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


def _again_where_they_disagree(action: Callable[[], T]) -> T:
    """Do it up to three times: a promotion that comes between reading MLflow and the ledger looks like a loss."""
    for _ in range(2):
        with suppress(RegistriesDisagree):
            return action()
    return action()
