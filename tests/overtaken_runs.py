"""A run that another promotion overtook, for tests of versions that were registered and never champion."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.doors import Doors
from pipeline.ledger.alias_history import Move, Overtaken
from pipeline.ledger.entries import NightEntry
from pipeline.params.params import Params
from pipeline.runs.folder import RunFolder
from pipeline.steps import register
from tests.pipeline.conftest import AS_OF

MakeRun = Callable[..., RunFolder]


def overtaken(make: MakeRun, doors: Doors, graph: str, day: int, *, champion: int | None = 1) -> RunFolder:
    """A run whose version was made while another one became champion: registered, and never champion."""
    key = f"{day:064x}"
    folder = make(doors, graph, as_of=AS_OF.replace(day=day), run_key=key, champion_version=champion)
    real = doors.aliases.crown
    with pytest.MonkeyPatch.context() as patch:

        def lost(version: int, move: Move, **_: object) -> None:
            real(version, move, instead_of=99)

        patch.setattr(doors.aliases, "crown", lost)
        with pytest.raises(Overtaken):
            register.run(folder, Params(), doors=doors)
    doors.registry.close_run(folder.require_mlflow_run(), "refused", succeeded=False)
    doors.ledger.append(
        NightEntry(
            graph=graph, run_name=folder.name, as_of=AS_OF, at=AS_OF, outcome="refused", reason="overtaken",
            completed=False,
        )
    )  # fmt: skip
    return folder
