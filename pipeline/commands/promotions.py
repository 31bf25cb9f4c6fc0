"""What a person decides about the champion: promote, reject, roll back, or nominate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import ParamsFile, Reason, RunDir, Who, given, name_of, open_doors, print_line
from pipeline.errors import InvalidInput

if TYPE_CHECKING:
    from pipeline.doors import Doors
    from pipeline.runs.folder import RunFolder


promotions = typer.Typer()


@promotions.command()
def promote(
    reason: Reason,
    run_dir: Annotated[Path | None, typer.Option("--run-dir", help="The folder of the run to promote.")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="A registered version that never was champion.")] = None,
    graph: Annotated[str | None, typer.Option(help="The graph of that version.")] = None,
    who: Who = None,
    override: Annotated[
        bool, typer.Option("--override", help="Overrule the gate or a rejection; the ledger keeps it.")
    ] = False,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Approve a run or a version, and make it champion.

    Name a run with --run-dir, or a version with --graph and --version. If the gate refused the run or a person rejected
    it, you must pass --override. Where a newer graph than the run's is published, it is then given that one.
    """
    from pipeline.commands.by_hand import promote_by_hand, run_of_version
    from pipeline.commands.refresh import refresh_after
    from pipeline.commands.renewed_index import renew_index
    from pipeline.ledger.approvals import standing_answer

    name, why = name_of(who), given(reason)
    if run_dir is not None and version is None and graph is None:
        doors, folder = _opened(run_dir)
    elif run_dir is None and version is not None and graph is not None:
        doors = open_doors()
        folder = run_of_version(graph, version, who=name, doors=doors)
    else:
        options = {"--run-dir": run_dir, "--graph": graph, "--version": version}
        said = " ".join(f"{option} {value}" for option, value in options.items() if value is not None)
        raise InvalidInput(
            f"ncnc promote takes a run or a version, exactly one of the two, and was given {said or 'neither'}. Pass "
            f"--run-dir RUN alone, or --graph GRAPH --version N."
        )
    record = promote_by_hand(folder, who=name, reason=why, override=override, doors=doors)
    promotion = f"version {record.version} was promoted by hand"
    served = refresh_after(promotion, folder.graph, who=name, params=params, doors=doors)
    # Not the record's approval: that of a version which was made by an earlier try is the earlier one.
    answer = standing_answer(doors.ledger.entries(folder.graph), folder.name)
    renew_index(folder.graph, doors)
    print_line(
        run=folder.name,
        champion=record.version,
        served=served,
        overridden=answer.overridden if answer else "",
        lineage=f"ncnc audit model {record.name}@{record.version}",
    )


@promotions.command()
def reject(run_dir: RunDir, reason: Reason, who: Who = None) -> None:
    """Reject a run that waits for a person.

    The run is not promoted, and a retry of its tasks does not change that.
    """
    from pipeline.commands.by_hand import reject_by_hand
    from pipeline.commands.renewed_index import renew_index

    doors, folder = _opened(run_dir)
    entry = reject_by_hand(folder, who=name_of(who), reason=given(reason), doors=doors)
    renew_index(folder.graph, doors)
    print_line(run=folder.name, verdict=entry.verdict, who=entry.who, at=entry.at.isoformat(), reason=entry.reason)


@promotions.command()
def rollback(
    graph: Annotated[str, typer.Option(help="The graph whose champion is wrong.")],
    to: Annotated[int, typer.Option(min=1, help="The version to make champion again.")],
    reason: Reason,
    who: Who = None,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Make an earlier champion the champion again, on the newest graph.

    The ledger keeps who did it, when and why.
    """
    from pipeline.commands.by_hand import roll_back
    from pipeline.commands.refresh import refresh_after
    from pipeline.commands.renewed_index import renew_index

    name, doors = name_of(who), open_doors()
    wrong = roll_back(graph, to, who=name, reason=given(reason), doors=doors)
    rolled_back = f"rolled back to version {to}"
    served = refresh_after(rolled_back, graph, who=name, params=params, doors=doors, tried_again=True)
    renew_index(graph, doors)
    print_line(graph=graph, champion=to, previous=wrong, served=served)


@promotions.command()
def nominate(run_dir: RunDir) -> None:
    """Ask a person about a run that passed the gate.

    The ledger then says that the run awaits an answer. Answer with `ncnc promote` or `ncnc reject`, or in Airflow.
    """
    from pipeline.promotion.nomination import nominate as enter

    doors, folder = _opened(run_dir)
    entry = enter(folder, doors=doors)
    print_line(run=folder.name, outcome=entry.outcome, reason=entry.reason)


def _opened(run_dir: Path) -> tuple[Doors, RunFolder]:
    from pipeline.runs.folder import RunFolder

    doors = open_doors()
    return doors, RunFolder(run_dir, doors.registry)
