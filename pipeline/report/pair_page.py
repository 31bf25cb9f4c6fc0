"""The page of one pair: its two nodes, what is pooled between them, and what each part adds to the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from ncnc_core.networks.neighborhoods import Role
from ncnc_core.serving.explanation import LinkExplanation, NeighborPart
from ncnc_core.whole_file import write_whole
from pipeline.report.blocks import Cell, Table, table
from pipeline.report.page import page_environment, template_text

DRAWN, LISTED = 12, 200  # neighbours, those that add or take most first
NAME_LENGTH = 14
ROW, TOP = 44, 40
ROLES: dict[Role, str] = {
    "common": "of both nodes",
    "source_only": "of the first node; the edge to the second is thought possible",
    "target_only": "of the second node; the edge to the first is thought possible",
}


@dataclass(frozen=True)
class DrawnNeighbor:
    """One neighbour of the drawing: where it stands, and which of its two edges the graph has."""

    name: str
    said: str
    y: int
    weight: float
    to_source: bool
    to_target: bool

    @property
    def thickness(self) -> float:
        """The width of its lines: a weight of 1 is 3 px."""
        return round(0.6 + 2.4 * min(max(self.weight, 0.0), 1.0), 2)


def pair_page(model: str, found: LinkExplanation) -> str:
    """Return the page of a pair as HTML; it stands alone, as a night's page does."""
    first = strongest(found.neighbors)[:DRAWN]
    drawn = [_drawn(place, part) for place, part in enumerate(first)]
    height = TOP * 2 + ROW * max(len(drawn), 1)
    return page_environment().get_template("pair.html").render(
        model=model,
        found=found,
        source=_short(found.source),
        target=_short(found.target),
        drawn=drawn,
        height=height,
        middle=height // 2,
        more=len(found.neighbors) - len(drawn),
        tables=(_parts(found), _neighbors(found)),
        style=Markup(template_text("report.css") + template_text("pair.css")),  # noqa: S704 - our own files
    )  # fmt: skip


def write_pair_page(path: Path, model: str, found: LinkExplanation) -> Path:
    """Write the page of a pair, whole or not at all."""
    return write_whole(path, pair_page(model, found))


def strongest(parts: Sequence[NeighborPart]) -> list[NeighborPart]:
    """Return the neighbours that move the score most, first."""
    return sorted(parts, key=lambda part: -abs(part.contribution))


def _drawn(place: int, part: NeighborPart) -> DrawnNeighbor:
    return DrawnNeighbor(
        name=_short(part.node),
        said=f"{part.contribution:+.3f}",
        y=TOP + ROW // 2 + ROW * place,
        weight=part.weight,
        to_source=part.role != "target_only",
        to_target=part.role != "source_only",
    )


def _parts(found: LinkExplanation) -> Table:
    rows = [["nothing known of the pair", _added(found.base)], ["the two nodes themselves", _added(found.pair)]]
    if found.structure:
        rows.append(["degrees and numbers of common neighbours", _added(found.structure)])
    rows += [[part.group, _added(part.contribution)] for part in found.features]
    for role, words in ROLES.items():
        if parts := found.of_role(role):
            added = sum(part.contribution for part in parts)
            noun = "neighbour" if len(parts) == 1 else "neighbours"
            rows.append([f"{len(parts):,} {noun}: {words}", _added(added)])
    rows.append(["together: the logit", Cell(f"{found.score:.3f}", number=True)])
    return table("What the score is made of", ("part", "adds"), rows)


def _neighbors(found: LinkExplanation) -> Table:
    rows = [
        [str(part.node), ROLES[part.role], Cell(f"{part.weight:.3f}", number=True), _added(part.contribution)]
        for part in strongest(found.neighbors)[:LISTED]
    ]
    caption = f"The neighbours that are pooled, at most {LISTED}" if len(found.neighbors) > LISTED else "The neighbours"
    return table(caption, ("node", "it is", "weight", "adds"), rows, "prose")


def _added(value: float) -> Cell:
    return Cell(f"{value:+.3f}", number=True)


def _short(node: object) -> str:
    name = str(node)
    return name if len(name) <= NAME_LENGTH else f"{name[: NAME_LENGTH - 1]}…"
