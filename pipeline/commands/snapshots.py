"""`ncnc snapshots`: publish, list, read and compare snapshots, hold them, and collect old bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import AsOf, ParamsFile, in_utc, open_doors, print_line
from pipeline.commands.retraction import referred_to
from pipeline.commands.steps import show_checks
from pipeline.credentials import public
from pipeline.errors import InvalidInput

if TYPE_CHECKING:
    from pipeline.doors import Doors
    from pipeline.graphs.tables import CanonicalGraph
    from pipeline.terminal import Terminal


snapshots = typer.Typer(no_args_is_help=True, help="Published graph snapshots: publish, list, read, compare, collect.")
Tag = Annotated[str, typer.Argument(help="A tag, as `ncnc snapshots list GRAPH` shows it.")]
Reason = Annotated[str, typer.Option(help="Why; the journal keeps it.")]


@snapshots.command()
def init() -> None:
    """Create the data repository at NCNC_DATA_REPOSITORY, with NCNC_DVC_REMOTE as its DVC remote."""
    from pipeline.environment import Environment
    from pipeline.snapshots.snapshot_store import SnapshotStore

    environment = Environment.of_process()
    SnapshotStore.create(environment.data_repository, environment.dvc_remote)
    print_line(data_repository=public(environment.data_repository))


@snapshots.command()
def ingest(as_of: AsOf, params: ParamsFile = Path("params.yaml")) -> None:
    """Publish an earlier delivery as a snapshot, without training on it.

    Later nights learn from it when each edge was first seen.
    """
    from pipeline.ingest.tonights_graph import ingest as publish
    from pipeline.params.params import Params

    with _console().status("reading, checking and publishing"):
        published = publish(Params.load(params), doors=open_doors(), as_of=in_utc(as_of))
    print_line(tag=published.tag)


@snapshots.command(name="list")
def list_(graph: Annotated[str, typer.Argument()]) -> None:
    """List the published snapshots of a graph, oldest first."""
    from pipeline.commands.snapshot_tables import snapshots_table

    doors = open_doors()
    published, journal = doors.snapshots.list_with_journal(graph)
    if not published:
        raise InvalidInput(f"No snapshot of {graph!r} is published. Check the name, or run `ncnc snapshot` first.")
    _console().print(snapshots_table(graph, published, journal))
    for item in published:
        gone = journal.collected.get(item.tag)
        print_line(
            tag=item.tag,
            as_of=item.as_of.isoformat(),
            content_id=item.content_id,
            num_edges=item.num_edges,
            held=item.tag in journal.holds,
            collected_at=gone.at.isoformat() if gone else None,
            retracted=item.tag in journal.retracted,
        )


@snapshots.command()
def show(tag: Tag) -> None:
    """Show a published snapshot or split: its description, its files, what refers to it, and whether it is held."""
    from pipeline.commands.snapshot_tables import bytes_text, files_table

    doors, console = open_doors(), _console()
    published, files, journal = doors.snapshots.describe(tag)
    referred = referred_to(doors, published.graph, tag)
    for name, value in published.model_dump(mode="json").items():
        console.print(f"{name}: {value}")
    console.print(f"bytes: {bytes_text(tag, journal)}\nreferred to: {referred}")
    if files:
        console.print(files_table(tag, files))
    gone, hold, taken_back = (found.get(tag) for found in (journal.collected, journal.holds, journal.retracted))
    print_line(
        **published.model_dump(mode="json"),
        files=files,
        held=hold.model_dump(mode="json") if hold else None,
        collected=gone.model_dump(mode="json", exclude={"tags"}) if gone else None,
        retracted=taken_back.model_dump(mode="json") if taken_back else None,
        referred=referred,
    )


@snapshots.command()
def diff(
    earlier: Tag,
    later: Tag,
    output: Annotated[Path | None, typer.Option(help="Also write the edges that differ to this Parquet file.")] = None,
) -> None:
    """Count the nodes and edges added, removed and returned between two snapshots of a graph."""
    from pipeline.commands.snapshot_tables import difference_table
    from pipeline.graphs.difference import CHANGES, difference, write_table

    doors, console = open_doors(), _console()
    if earlier.split("/")[:2] != later.split("/")[:2] or earlier >= later:
        raise InvalidInput(
            f"{earlier} and {later} are not an earlier and a later snapshot of one graph. Name two tags that "
            f"`ncnc snapshots list GRAPH` shows, in its order."
        )
    found = difference(*(_graph(doors, console, tag) for tag in (earlier, later)))
    console.print(difference_table(found))
    if output is not None:
        write_table(found.edge_table(), output)
    counts = {
        f"{change}_{what}": len(changes[change])
        for what, changes in (("nodes", found.nodes), ("edges", found.edges))
        for change in CHANGES
    }
    print_line(earlier=earlier, later=later, **counts, output=output)


@snapshots.command()
def get(
    tag: Tag,
    destination: Annotated[Path, typer.Argument(help="A folder that is absent or empty.")],
    living: Annotated[Path | None, typer.Option(help="Also write the living edges to this Parquet file.")] = None,
) -> None:
    """Fetch a snapshot's files and verify every byte."""
    from pipeline.graphs.difference import living_table, write_table
    from pipeline.graphs.snapshot_folder import read_graph

    if living is not None and not tag.startswith("snap/"):
        raise InvalidInput(
            f"{tag} is a split, and a split has no living edges. Leave out --living, or name a snapshot."
        )
    with _console().status(f"fetching {tag}"):
        folder = open_doors().snapshots.fetch(tag, destination)
        if living is not None:
            write_table(living_table(read_graph(folder).tables), living)
    print_line(tag=tag, folder=folder, living=living)


@snapshots.command()
def hold(tag: Tag, reason: Reason) -> None:
    """Protect a snapshot and its splits from collection, until you release it."""
    print_line(**open_doors().snapshots.holds.hold(tag, reason).model_dump(mode="json"))


@snapshots.command()
def release(tag: Tag, reason: Reason = "no longer needed") -> None:
    """End the protection of a snapshot."""
    print_line(**open_doors().snapshots.holds.release(tag, reason).model_dump(mode="json"))


@snapshots.command()
def gc(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Delete nothing; show what would be deleted, and print the plan.")
    ] = False,
    plan: Annotated[str | None, typer.Option(help="Carry out this plan of a dry run, if it is still valid.")] = None,
    keep_last: Annotated[int, typer.Option(min=1, help="Keep this many snapshots of each graph.")] = 30,
    keep_days: Annotated[float, typer.Option(min=0, help="Keep snapshots that were published in these days.")] = 90,
    grace_hours: Annotated[float, typer.Option(min=0, help="Keep objects that are younger than this.")] = 24,
    minutes: Annotated[float, typer.Option(min=1, help="Stop after this long; nobody can publish meanwhile.")] = 10,
    reason: Reason = "routine collection",
) -> None:
    """Delete the bytes of old snapshots.

    Run it with --dry-run first, then with --plan and the plan that it printed. Tags and descriptions stay.
    """
    from pipeline.collection.references import references_from
    from pipeline.commands.snapshot_tables import bars, plan_table
    from pipeline.snapshots.retention import Policy

    if dry_run == (plan is not None):
        raise InvalidInput(
            "ncnc snapshots gc takes --dry-run or --plan, exactly one of the two. Run `ncnc snapshots gc --dry-run`, "
            "look at what it shows, then run the same command with --plan and the plan that it printed."
        )
    policy = Policy(keep_last=keep_last, keep_days=keep_days, grace_hours=grace_hours)
    doors, console = open_doors(), _console()
    collector, references = doors.snapshots.collector, references_from(doors)
    with bars(console) as progress:
        if plan is None:
            found, ended = collector.plan(policy, references, progress), None
        else:
            found, ended = collector.collect(
                plan, policy, references, reason=reason, minutes=minutes, progress=progress
            )
    console.print(plan_table(found))
    print_line(
        plan=found.id,
        dry_run=dry_run,
        collected=found.collected,
        kept=found.kept,
        objects=len(found.objects),
        bytes=found.bytes,
        missing=found.missing,
        outcome=ended.outcome if ended else None,
    )


def _console() -> Terminal:
    from pipeline.terminal import for_messages

    return for_messages()


def _graph(doors: Doors, console: Terminal, tag: str) -> CanonicalGraph:
    from pipeline.graphs.snapshot_folder import read_graph

    with console.status(f"fetching {tag}"), tempfile.TemporaryDirectory() as scratch:
        return read_graph(doors.snapshots.fetch(tag, Path(scratch) / "snapshot"))


def snapshots_check(as_of: AsOf, params: ParamsFile = Path("params.yaml")) -> None:
    """Read and check a delivery, and show the results.

    Nothing is published, and no run is started.
    """
    from pipeline.checks.quality import RefusedDelivery
    from pipeline.ingest.tonights_graph import tonights_graph
    from pipeline.params.params import Params

    settings = Params.load(params).snapshot
    try:
        with tonights_graph(settings, open_doors(), in_utc(as_of)) as graph:
            checks, change = graph.checks, graph.summary
    except RefusedDelivery as refused:
        show_checks(refused.checks, refused.change)
        print_line(graph=settings.graph, refused=True, warnings=refused.checks.warnings)
        raise
    show_checks(checks, change)
    print_line(graph=settings.graph, refused=False, warnings=checks.warnings)
