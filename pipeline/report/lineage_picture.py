"""The night's lineage as a picture: every record from the source's bytes to the version, with its digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from pipeline.report.blocks import short
from pipeline.report.night_story import NightStory

BOX, HEIGHT, GAP = 122, 84, 24
TALL_BOX, TALL_HEIGHT, TALL_GAP = 330, 58, 22


@dataclass(frozen=True)
class Link:
    """One link of the chain: its name, its digest, and a short note. A link without a digest was not made."""

    what: str
    digest: str | None
    note: str = ""


def chain(story: NightStory) -> tuple[Link, ...]:
    """Return every link of a night's chain in order, also those that were not made."""
    snapshot, split, trained, evaluation, decision = (
        story.snapshot, story.split, story.trained, story.evaluation, story.decision,
    )  # fmt: skip
    registered = story.registered
    verdict = "" if decision is None else "promote" if decision.promote else "keep"
    return (
        Link("source bytes", snapshot.source_sha256 if snapshot else None, "as delivered" if snapshot else ""),
        Link(
            "snapshot", snapshot.content_id if snapshot else None, f"{snapshot.num_edges:,} edges" if snapshot else ""
        ),
        Link("split", split.sha256 if split else None, split.method if split else ""),
        Link("model", trained.sha256 if trained else None, f"best epoch {trained.best_epoch}" if trained else ""),
        Link(
            "evaluation",
            evaluation.sha256 if evaluation else None,
            _edges(evaluation.num_test_edges, "test ") if evaluation else "",
        ),
        Link("decision", decision.sha256 if decision else None, verdict),
        Link("version", registered.sha256 if registered else None, f"{registered.version}" if registered else ""),
    )


def _edges(count: int, kind: str = "") -> str:
    return f"{count:,} {kind}edges"


def lineage_label(links: Sequence[Link]) -> str:
    """Return the chain as text, for screen readers."""
    return "; ".join(f"{link.what} {short(link.digest)} {link.note}".strip() for link in links)


def lineage_picture(links: Sequence[Link]) -> Markup:
    """Draw the chain from left to right."""
    width = len(links) * (BOX + GAP) - GAP
    parts = []
    for place, link in enumerate(links):
        left = place * (BOX + GAP)
        parts.append(_box(left + 1, 1, BOX - 2, HEIGHT - 2, link))
        middle = left + BOX / 2
        parts.extend(
            _text(middle, 24 + 23 * row, text, kind, "middle") for row, (text, kind) in enumerate(_lines(link)) if text
        )
        if place:
            parts.append(_arrow(left - GAP, HEIGHT / 2, left - 2, HEIGHT / 2, links[place]))
    return _picture(width, HEIGHT, parts)


def tall_lineage_picture(links: Sequence[Link]) -> Markup:
    """Draw the chain from top to bottom, for a narrow window."""
    height = len(links) * (TALL_HEIGHT + TALL_GAP) - TALL_GAP
    parts = []
    for place, link in enumerate(links):
        top = place * (TALL_HEIGHT + TALL_GAP)
        parts.append(_box(1, top + 1, TALL_BOX - 2, TALL_HEIGHT - 2, link))
        (what, _), (digest, _), (note, _) = _lines(link)
        parts.append(_text(14, top + 24, what, "what", "start"))
        parts.append(_text(14, top + 45, digest, "digest", "start"))
        parts.append(_text(TALL_BOX - 14, top + 24, note, "note", "end"))
        if place:
            parts.append(_arrow(TALL_BOX / 2, top - TALL_GAP, TALL_BOX / 2, top - 2, links[place]))
    return _picture(TALL_BOX, height, parts)


def _lines(link: Link) -> tuple[tuple[str, str], ...]:
    if link.digest is None:
        return (link.what, "what"), ("not made", "note"), ("", "note")
    return (link.what, "what"), (short(link.digest), "digest"), (link.note, "note")


def _box(left: float, top: float, width: float, height: float, link: Link) -> Markup:
    kind = "made" if link.digest else "missing"
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="7"/>').format(
        kind, left, top, width, height
    )


def _text(x: float, y: float, text: str, kind: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(kind, x, y, anchor, escape(text))


def _arrow(x1: float, y1: float, x2: float, y2: float, target: Link) -> Markup:
    kind = "made" if target.digest else "missing"
    back = (f"{x2 - 7},{y2 - 4} {x2 - 7},{y2 + 4}") if y1 == y2 else f"{x2 - 4},{y2 - 7} {x2 + 4},{y2 - 7}"
    return Markup(
        '<line class="{0}" x1="{1}" y1="{2}" x2="{3}" y2="{4}"/><polygon class="{0}" points="{3},{4} {5}"/>'
    ).format(kind, x1, y1, x2, y2, back)


def _picture(width: float, height: float, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg class="lineage" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>').format(
        width, height, Markup("").join(parts)
    )
