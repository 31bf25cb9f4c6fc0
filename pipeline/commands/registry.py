"""`ncnc registry`: the history of a graph's model, its versions and aliases, and the deletion of old ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import Graph, ParamsFile, Who, given, graph_of, name_of, open_doors, print_line
from pipeline.errors import InvalidInput

registry = typer.Typer(
    no_args_is_help=True, help="Model versions and aliases: their history, their state, and the deletion of old ones."
)


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

    doors, name = open_doors(), graph_of(graph, params)
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
    from pipeline.ledger.served_weights import served_in_words
    from pipeline.terminal import for_messages, styled

    doors, name, console = open_doors(), graph_of(graph, params), for_messages()
    entries, versions, aliases = (
        doors.ledger.entries(name),
        doors.registry.contents.versions(name),
        doors.registry.aliases.of(name),
    )
    standing = standings(entries)
    if (champion := standing.get("champion")) is not None and champion.version is not None:
        console.print(f"champion: {served_in_words(entries, champion.version)}")
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
                f": MLflow has {ours or 'none'}, the ledger {ledger or 'none'}. `ncnc registry doctor` says why, and "
                f"what follows.",
            )
        )
    print_line(
        graph=name,
        versions=[item.version for item in versions],
        aliases=ours,
        ledger=ledger,
        agree=ours == ledger,
        weights={item.version: item.weights_of or item.version for item in versions},
        awaiting=[night.run_name for night in nights],
    )


@registry.command()
def doctor(
    graph: Graph = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Show how the ledger would follow this MLflow as it is now.")
    ] = False,
    apply: Annotated[bool, typer.Option("--apply", help="With --adopt: enter it in the ledger.")] = False,
    reason: Annotated[str, typer.Option(help="With --adopt: why; the ledger keeps it.")] = "",
    who: Who = None,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Say what ledger, MLflow and data repository disagree about, what is served now, and what mends it.

    Exits with 0 if all agree, and with 2 if not. Nothing is written without --adopt and --apply, and no alias is moved.
    """
    from pipeline.audit.registry_doctor import adoption_plan, diagnose
    from pipeline.commands.registry_tables import diagnosis_lines
    from pipeline.ledger.alias_history import Move
    from pipeline.terminal import for_messages

    doors, name, console = open_doors(), graph_of(graph, params), for_messages()
    if apply and not adopt:
        raise InvalidInput("--apply belongs to --adopt: the doctor changes nothing else. Pass both, or neither.")
    if adopt:
        move = Move(name, name_of(who), given(reason), doors.clock())
        plan = doors.aliases.adopt(move) if apply else adoption_plan(move, doors)
        for entry in plan:
            console.print(f"{'entered' if apply else 'would be entered'}: {entry.as_written()}")
    found = diagnose(name, doors)
    for line in diagnosis_lines(found):
        console.print(line)
    print_line(
        graph=name,
        mlflow=found.where,
        served=found.served,
        champion=found.champion,
        agree=not found.disagreements,
        disagreements=[item.what for item in found.disagreements],
    )
    if found.disagreements:
        raise InvalidInput(f"{len(found.disagreements)} disagreements about {name}; the lines above say what mends it.")


@registry.command()
def anchor(
    version: Annotated[
        list[int] | None,
        typer.Option(min=1, help="A version, repeatable; default: every one that was champion and has no anchor."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; the ledger keeps it.")] = "promoted before the ledger kept lineages",
    graph: Graph = None,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Enter in the ledger what a version was made from, for one promoted before the ledger kept that.

    It trusts the records that MLflow has today, once an audit found that they agree with every byte. It cannot tell
    whether somebody changed all of them together before today.
    """
    import tempfile

    from pipeline.audit.anchoring import anchor_version, without_anchor
    from pipeline.environment import whoami
    from pipeline.terminal import for_messages

    doors, name, console = open_doors(), graph_of(graph, params), for_messages()
    anchored = []
    for number in version or without_anchor(name, doors):
        with tempfile.TemporaryDirectory() as scratch:
            entry = anchor_version(name, number, who=whoami(), reason=reason, doors=doors, work_folder=Path(scratch))
        console.print(
            f"version {number}: lineage {entry.lineage_sha256[:12]}. TRUSTED: the records that MLflow has today, which "
            f"agree with each other and with every byte ({entry.checks} checks). Whether they were changed before "
            f"today, nobody can tell."
        )
        anchored.append(number)
    print_line(graph=name, anchored=anchored)


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
    keep_models: Annotated[
        int, typer.Option(min=0, help="Keep trained models of the last nights: evaluations score them again.")
    ] = 40,
    keep_refreshes: Annotated[
        int, typer.Option(min=1, help="How many refreshes to keep, the newest; each can be made again.")
    ] = 7,
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
        keep_models=keep_models,
        keep_refreshes=keep_refreshes,
    )
    doors, name = open_doors(), graph_of(graph, params)
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
