from __future__ import annotations

import re

from ncnc_core.serving.explanation import FeaturePart, LinkExplanation, NeighborPart
from pipeline.report.pair_page import DRAWN, pair_page
from tests.pipeline.report.test_page import Page

MARKUP = "<b>a node</b> of a name that goes on"


def explained(common: int = 3) -> LinkExplanation:
    """Return a pair with common neighbours, one possible neighbour at each end, and two groups of features."""
    neighbors = [NeighborPart(10_000 + place, "common", 1.0, 0.5 / (place + 1)) for place in range(common)]
    neighbors += [NeighborPart(MARKUP, "source_only", 0.4, 0.1), NeighborPart("far", "target_only", 0.05, -0.3)]
    total = sum(part.contribution for part in neighbors)
    return LinkExplanation(
        source="anna", target="carl", score=total - 0.5, known=False, base=-1.0, pair=0.3, neighbors=tuple(neighbors),
        remainder=0.0, features=(FeaturePart("overlap", 0.1), FeaturePart("place in the graph", 0.1)),
        facts=("anna was last active 0.2 windows ago",),
    )  # fmt: skip


def test_the_page_draws_each_neighbour_with_its_edges_and_what_it_adds() -> None:
    text = pair_page("demo@champion", explained())
    assert Page(text).open == []
    assert not re.search(r"https?://|<script", text)
    assert text.count('<circle cx="180"') == 5
    assert text.count('class="possible"/>') == 4  # a line and a dot for each edge that is only possible
    assert '<tspan class="said">+0.500</tspan>' in text
    assert '<tspan class="said">-0.300</tspan>' in text
    assert 'stroke-width="3.0"' in text
    assert "anna was last active 0.2 windows ago" in text
    assert "<b>" not in text
    assert "&lt;b&gt;a node&lt;/b&gt;…" in text  # cut in the drawing, whole in the table
    assert "&lt;b&gt;a node&lt;/b&gt; of a name that goes on" in text


def test_the_strongest_neighbours_are_drawn_and_the_rest_is_counted() -> None:
    text = pair_page("demo@champion", explained(40))
    assert text.count('<circle cx="180"') == DRAWN
    assert f"{42 - DRAWN} more neighbours are in the table." in text
    assert text.index("10000") < text.index("10001")


def test_the_parts_add_up_to_the_score() -> None:
    text = pair_page("demo@champion", explained())
    added = [float(cell) for cell in re.findall(r'<td role="cell" data-column="adds" class="number">([-+.\d]+)', text)]
    logit = next(place for place, value in enumerate(added) if round(sum(added[:place]), 3) == value and place > 3)
    assert added[logit] == round(explained().score, 3)


def test_a_pair_without_neighbours_has_a_page_too() -> None:
    bare = LinkExplanation(source=1, target=2, score=-1.0, known=True, base=-1.0, pair=0.0, neighbors=(), remainder=0.0)
    text = pair_page("demo@1", bare)
    assert "1 and 2: logit -1.000, an edge of the graph" in text
    assert Page(text).open == []
