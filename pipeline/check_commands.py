"""`ncnc snapshots check`: what the checks would say of a delivery, without publishing anything."""

from __future__ import annotations

from pathlib import Path

from pipeline.step_commands import AsOf, ParamsFile, in_utc, open_doors, print_line, show_checks


def snapshots_check(as_of: AsOf, params: ParamsFile = Path("params.yaml")) -> None:
    """Read and check a delivery and report on it; nothing is published, and no run is started."""
    from pipeline.params import Params
    from pipeline.quality import RefusedDelivery
    from pipeline.tonights_graph import tonights_graph

    settings = Params.load(params).snapshot
    try:
        with tonights_graph(settings, open_doors(), in_utc(as_of)) as graph:
            checks, change = graph.checks, graph.report
    except RefusedDelivery as refused:
        show_checks(refused.checks, refused.change)
        print_line(graph=settings.graph, refused=True, warnings=refused.checks.warnings)
        raise
    show_checks(checks, change)
    print_line(graph=settings.graph, refused=False, warnings=checks.warnings)
