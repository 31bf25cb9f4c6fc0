from __future__ import annotations

from ncnc_core.serving.recommendation import Recommendation
from pipeline.commands.link_tables import links_table
from pipeline.terminal import Terminal


def test_each_link_has_its_reason_beside_it_and_a_known_edge_is_named_as_one() -> None:
    rows = (Recommendation("anna", "[carl]", 1, 2.3456, False), Recommendation("anna", "bert", 2, -0.5, True))
    terminal = Terminal(width=120)
    with terminal.capture() as shown:
        terminal.print(links_table(rows, ("2 common neighbours; 5 neighbours", "no common neighbour; 1 neighbour")))
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.get().splitlines() if "│" in line]
    assert cells == [
        ["anna", "[carl]", "1", "2.346", "2 common neighbours; 5 neighbours"],
        ["anna", "bert", "2", "-0.500", "an edge of the graph; no common neighbour; 1 neighbour"],
    ]
