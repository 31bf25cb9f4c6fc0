"""Commands that use a model: recommend links (shown, or written as files), and explain a score."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import ParamsFile, RunDir, open_doors, print_line, show
from pipeline.errors import InvalidInput

if TYPE_CHECKING:
    from pipeline.recommend.batch import BatchRequest
    from pipeline.recommend.folder import RecommendationFolder
    from pipeline.registry.opened_model import OpenedModel


recommendations = typer.Typer()

# Of the parts that do the work, whose imports `ncnc --help` must not wait for; a test holds them together.
CANDIDATES = 100
SHARD_NODES = 5_000
K = Annotated[int, typer.Option("-k", "--k", min=1, help="How many links for each node.")]
Candidates = Annotated[
    int, typer.Option("--candidates-per-node", min=0, help="How many candidates are scored for each node; 0: all.")
]
Probability = Annotated[bool, typer.Option("--probability", help="Add calibrated probabilities.")]
Prior = Annotated[
    float, typer.Option(help="For --probability: the expected share of true links among the pairs, such as 0.01.")
]
NodesFile = Annotated[
    Path | None, typer.Option("--nodes", help="A Parquet or CSV file with a column `node`; default: all nodes.")
]
ShardSize = Annotated[int, typer.Option("--nodes-per-shard", min=1, help="How many nodes one output file has.")]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="How many threads score; default: one for each processor.")
]


@recommendations.command()
def recommend(
    name: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="NAME@alias, NAME@version, or the folder of a saved model.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", help="Like MODEL; an alias or a version alone, such as champion, is of the graph in params.yaml."
        ),
    ] = None,
    node: Annotated[list[str] | None, typer.Option(help="Show the links of this node; you can repeat it.")] = None,
    nodes: NodesFile = None,
    k: K = 10,
    output: Annotated[Path | None, typer.Option(help="The folder for the files.")] = None,
    candidates: Candidates = CANDIDATES,
    probability: Probability = False,
    prior: Prior = 0.5,
    nodes_per_shard: ShardSize = SHARD_NODES,
    workers: Workers = None,
    known: Annotated[bool, typer.Option("--known", help="With --node: also rank edges that the graph has.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --node: print one JSON line.")] = False,
    params: ParamsFile = Path("params.yaml"),
) -> None:
    """Recommend new links for nodes.

    With --node the links are shown, each with what the graph says of it. Without it, the links of all nodes, or of
    those in --nodes, are written as Parquet files.
    """
    from pipeline.registry.opened_model import opened_model

    opened = opened_model(_named(name, model, params), lambda: open_doors().registry)
    if node:
        if nodes is not None or output is not None or probability:
            raise InvalidInput(
                f"--node {node[0]} shows links on the terminal; --nodes, --output and --probability write files. "
                f"Leave those out, or put the ids into a file for --nodes."
            )
        _show_of(opened, node, k, known=known, as_json=as_json)
        return
    request = _request(k, candidates, probability, prior, nodes_per_shard)
    _write_batch(opened, request, nodes, output, workers)


@recommendations.command()
def recommend_plan(
    run_dir: RunDir,
    model: Annotated[str, typer.Option("--model", help="An alias or a version of the run's graph.")] = "champion",
    nodes: NodesFile = None,
    k: K = 10,
    candidates: Candidates = CANDIDATES,
    probability: Probability = False,
    prior: Prior = 0.5,
    nodes_per_shard: ShardSize = SHARD_NODES,
) -> None:
    """Plan a batch that several machines make: choose the model version and the shards."""
    from pipeline.recommend.batch import plan_batch
    from pipeline.registry.opened_model import opened_model
    from pipeline.runs.folder import RunFolder

    folder, run = _shared(run_dir), RunFolder(run_dir)
    standing = folder.find_plan()
    # A second try goes on with the version that the first one found, wherever the alias points by now.
    name = standing.model if standing is not None else f"{run.graph}@{model}"
    opened = opened_model(name, lambda: open_doors().registry)
    request = _request(k, candidates, probability, prior, nodes_per_shard)
    plan = plan_batch(folder, opened, request, _read(nodes), any_model=True)
    print_line(run=run.name, model=plan.model, nodes=plan.num_nodes, shards=list(plan.shards))


@recommendations.command()
def recommend_shard(
    run_dir: RunDir,
    shard: Annotated[int, typer.Option(min=0, help="The number of the shard in the plan.")],
    workers: Workers = None,
) -> None:
    """Make one shard of a planned batch, unless it is made already."""
    from pipeline.recommend.batch import make_shard
    from pipeline.registry.opened_model import opened_model

    folder = _shared(run_dir)
    plan = folder.plan
    plan.nodes_of(shard)
    rows = None
    if not folder.is_finished(shard):
        opened = opened_model(plan.model, lambda: open_doors().registry)
        rows = make_shard(folder, opened, shard, workers=workers or _processors())
    print_line(run=run_dir.name, model=plan.model, shard=shard, rows=rows, made=rows is not None)


@recommendations.command()
def recommend_publish(run_dir: RunDir) -> None:
    """Collect and verify the shards of a batch, and write the manifest that completes it."""
    folder = _shared(run_dir)
    digest = folder.publish()
    plan = folder.plan
    print_line(run=run_dir.name, model=plan.model, folder=folder.path, shards=len(plan.shards), manifest_sha256=digest)


def _shared(run_dir: Path) -> RecommendationFolder:
    from pipeline.recommend.folder import RecommendationFolder, SharedRun
    from pipeline.runs.folder import RunFolder

    run = RunFolder(run_dir)
    return RecommendationFolder(run.path, SharedRun.of(open_doors().registry, run.graph, run.name))


def _named(name: str | None, option: str | None, params: Path) -> str:
    """Return the one model that was named, by argument or option; of the parameters' graph where it names none."""
    given = [one for one in (name, option) if one]
    if len(given) != 1:
        raise InvalidInput(
            f"recommend takes exactly one model, not {' and '.join(given) or 'none'}. Name it as NAME@alias, or with "
            f"--model champion."
        )
    if option is None or "@" in option or Path(option).is_dir():
        return given[0]
    from pipeline.params.params import Params

    return f"{Params.load(params).snapshot.graph}@{option}"


def _request(k: int, candidates: int, probability: bool, prior: float, nodes_per_shard: int) -> BatchRequest:
    from pipeline.recommend.batch import BatchRequest

    if probability and not 0 < prior < 1:
        raise InvalidInput(f"--prior is {prior}, but must lie between 0 and 1. Try 0.01.")
    return BatchRequest(k, candidates or None, prior if probability else None, nodes_per_shard)


def _show_of(opened: OpenedModel, node: list[str], k: int, *, known: bool, as_json: bool) -> None:
    from pipeline.commands.link_tables import links_table
    from pipeline.registry.opened_model import refused_as_input
    from pipeline.terminal import for_messages

    with refused_as_input():
        found = opened.model.recommend([opened.node_id(one) for one in node], k, exclude_known=not known)
    why = opened.model.reasons([(row.source, row.target) for row in found]) if found.rows else ()
    if as_json:
        rows = [asdict(row) | {"why": said} for row, said in zip(found, why, strict=True)]
        print_line(model=opened.name, recommendations=rows)
        return
    nothing = "no candidates: the graph has all of these links already"
    for_messages().print(links_table(found.rows, why) if found.rows else nothing)
    print_line(model=opened.name, nodes=node, candidates=len(found))


def _write_batch(
    opened: OpenedModel, request: BatchRequest, nodes: Path | None, output: Path | None, workers: int | None
) -> None:
    from pipeline.recommend.batch import make_batch
    from pipeline.recommend.folder import RecommendationFolder

    folder = RecommendationFolder(output or _default_output(opened))
    made = make_batch(folder, opened, request, _read(nodes), workers=workers or _processors())
    print_line(
        model=made.plan.model,
        folder=folder.path,
        nodes=made.plan.num_nodes,
        shards=len(made.plan.shards),
        made=made.made,
        manifest_sha256=made.manifest_sha256,
    )


def _read(nodes: Path | None) -> list[str] | None:
    from pipeline.recommend.node_file import read_nodes

    return None if nodes is None else read_nodes(nodes)


def _default_output(opened: OpenedModel) -> Path:
    folder = Path(opened.name).name.replace("@", "-")
    return open_doors().environment.home / "recommendations" / folder


def _processors() -> int:
    return len(os.sched_getaffinity(0))


models = typer.Typer()


@models.command()
def explain(
    model: Annotated[str, typer.Argument(help="NAME@alias, NAME@version, or the folder of a saved model.")],
    source: Annotated[str, typer.Option(help="One node's id.")],
    target: Annotated[str, typer.Option(help="The other node's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line only.")] = False,
    html: Annotated[Path | None, typer.Option(help="Also draw the pair: write this HTML page.")] = None,
) -> None:
    """Show how much each known or possible common neighbour adds to a pair's score."""
    from pipeline.registry.opened_model import opened_model, refused_as_input

    opened = opened_model(model, lambda: open_doors().registry)
    with refused_as_input():
        found = opened.model.explain(opened.node_id(source), opened.node_id(target))
    if html is not None:
        from pipeline.report.pair_page import write_pair_page

        write_pair_page(html, opened.name, found)
    if as_json:
        print_line(model=opened.name, **asdict(found))
        return
    show(str(found))
    pair = {"source": found.source, "target": found.target, "score": found.score}
    print_line(model=opened.name, **pair, neighbors=len(found.neighbors), page=html)
