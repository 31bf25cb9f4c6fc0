"""`ncnc registry`: the history of a graph's model, its versions and aliases, and the deletion of old ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import ParamsFile, open_doors, print_line

registry = typer.Typer(
    no_args_is_help=True, help="Model versions and aliases: their history, their state, and the deletion of old ones."
)
Graph = Annotated[str | None, typer.Option(help="The graph; default: the one in params.yaml.")]


@registry.command()
def history(
    graph: Graph = None,
    last: Annotated[int | None, typer.Option(min=1, help="Show only this many events, the last ones.")] = None,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Show what happened: nights, promotions, rejections, rollbacks, and changes made in MLflow without the ledger."""
    from pipeline.commands.registry_tables import story_table
    from pipeline.ledger.story import story
    from pipeline.terminal import for_messages

    doors, name = open_doors(), _graph(graph, params)
    events = story(doors.ledger.entries(name))
    for_messages().print(story_table(name, events[-last:] if last else events))
    for event in events[-last:] if last else events:
        print_line(
            at=event.at.isoformat(),
            kind=event.kind,
            what=event.what,
            who=event.who,
            why=event.why,
            champion=event.champion,
        )
    print_line(graph=name, events=len(events), champion=events[-1].champion if events else None)


@registry.command()
def show(graph: Graph = None, params: ParamsFile = Path("params.yaml")) -> None:
    """Show the versions, the aliases in MLflow and in the ledger, and the runs that wait for a person."""
    from pipeline.commands.registry_tables import awaiting_table, versions_table
    from pipeline.ledger.alias_history import champions, standings
    from pipeline.ledger.night import last_nights
    from pipeline.terminal import for_messages, styled

    doors, name, console = open_doors(), _graph(graph, params), for_messages()
    entries, versions, aliases = (
        doors.ledger.entries(name),
        doors.registry.contents.versions(name),
        doors.registry.aliases.of(name),
    )
    standing = standings(entries)
    console.print(versions_table(name, versions, standing, champions(entries)))
    nights = [night for night in last_nights(entries).values() if night.outcome == "awaiting"]
    if nights:
        console.print(awaiting_table(nights))
    ledger = {alias: item.version for alias, item in standing.items() if item.version is not None}
    ours = {alias: version for alias, version in aliases.items() if alias in ("champion", "challenger", "previous")}
    if ours != ledger:
        console.print(
            styled(
                ("MLflow and the ledger differ", "red"),
                f": MLflow has {ours or 'none'}, the ledger {ledger or 'none'}. The next run enters the difference in "
                f"the ledger.",
            )
        )
    print_line(
        graph=name,
        versions=[item.version for item in versions],
        aliases=ours,
        ledger=ledger,
        agree=ours == ledger,
        awaiting=[night.run_name for night in nights],
    )


@registry.command()
def gc(
    graph: Graph = None,
    apply: Annotated[bool, typer.Option("--apply", help="Delete; without it, nothing is deleted.")] = False,
    keep_versions: Annotated[int, typer.Option(min=1, help="How many of the newest versions to keep.")] = 30,
    keep_days: Annotated[float, typer.Option(min=0, help="Keep versions that are younger than this.")] = 90,
    checkpoint_days: Annotated[
        float, typer.Option(min=0, help="Keep checkpoints of nights that ended in these days.")
    ] = 7,
    folder_days: Annotated[
        float, typer.Option(min=0, help="Keep this machine's run folders of nights that ended in these days.")
    ] = 30,
    model_days: Annotated[
        float, typer.Option(min=0, help="Keep trained models of nights that ended in these days.")
    ] = 90,
    reason: Annotated[str, typer.Option(help="Why; the ledger keeps it.")] = "routine collection",
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Delete old versions, trained models, checkpoints and run folders.

    Without --apply it only shows what would be deleted. What an alias or an audit needs is never deleted.
    """
    from pipeline.collection.registry import collect, plan_collection
    from pipeline.collection.retention import RegistryPolicy
    from pipeline.commands.registry_tables import collection_table
    from pipeline.environment import whoami
    from pipeline.terminal import for_messages

    policy = RegistryPolicy(
        keep_versions=keep_versions,
        keep_days=keep_days,
        checkpoint_days=checkpoint_days,
        folder_days=folder_days,
        model_days=model_days,
    )
    doors, name = open_doors(), _graph(graph, params)
    if apply:
        plan = collect(name, policy, who=whoami(), reason=reason, doors=doors)
    else:
        plan = plan_collection(name, policy, doors)
    for_messages().print(collection_table(plan))
    versions, checkpoints, folders, models = plan.going
    print_line(
        graph=name,
        applied=apply,
        versions=versions,
        checkpoints=[plan.run_names[run_id] for run_id in checkpoints],
        run_folders=folders,
        models=[plan.run_names[run_id] for run_id in models],
        kept=plan.num_kept,
    )


def _graph(graph: str | None, params: Path) -> str:
    from pipeline.params.params import Params

    return graph or Params.load(params).snapshot.graph
