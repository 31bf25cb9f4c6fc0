"""Which refresh may follow in the ledger: a pure function of its entries."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.errors import NothingToDo
from pipeline.ledger.alias_history import expect_lineage, expect_there, standings
from pipeline.ledger.entries import Entry, GraphRefreshed
from pipeline.ledger.served_weights import weights_of


def refreshing(entries: Sequence[Entry], refresh: GraphRefreshed) -> tuple[GraphRefreshed, ...]:
    """Return the entry that makes a refresh champion; none where it is champion already.

    Raises:
        NothingToDo: the champion has other weights by now, so that this refresh is nobody's.
        InvalidInput: the version was collected.
        TamperedRecord: the ledger has another lineage digest of the version.
    """
    champion = standings(entries).get("champion")
    served = champion.version if champion else None
    if served == refresh.version:
        return ()
    if served is None or weights_of(entries, served) != refresh.weights_of:
        has = "there is no champion" if served is None else f"the champion is version {served}"
        raise NothingToDo(
            f"Version {refresh.version} of {refresh.graph} has the weights of version {refresh.weights_of}, but {has} "
            f"now: a promotion or a rollback came first, and refreshes what it made champion."
        )
    expect_there(entries, refresh.version, refresh.graph)
    expect_lineage(entries, refresh.graph, refresh.version, refresh.lineage_sha256)
    return (refresh.model_copy(update={"previous": served}),)
