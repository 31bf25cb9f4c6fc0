"""The index: one page of all nights, with what needs a person at the top and a table to sort and filter."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC

from markupsafe import Markup

from pipeline.records.scores import Interval
from pipeline.report.blocks import Cell, Picture, estimate, estimate_text, metric_name, number, scorer_name
from pipeline.report.figures import NARROW
from pipeline.report.needs import Need
from pipeline.report.night_rows import NightRow
from pipeline.report.nights_figure import DRAWN_NIGHTS, nights_figure
from pipeline.report.page import SIGNS, TONES, page_environment, template_text
from pipeline.report.staleness_sections import loss_in_words, nights_text

WHY_LENGTH = 220  # of a reason; the night's own page has it in full
SIGNS_OF_EVENTS = {
    "rollback": "↩",
    "pinned": "⚑",
    "paused": "⏸",
    "resumed": "▶",
    "moved outside": "!",
    "refreshed": "↻",
}
TONES_OF_EVENTS = {"rollback": "warn", "pinned": "warn", "paused": "warn", "moved outside": "bad"}
COLUMNS = (
    "night", "outcome", "why", "serves", "days old", "champion {metric}", "floor {metric}", "difference", "edges",
    "degree shift", "took, s",
)  # fmt: skip
RULE = re.compile(r"[a-z]+(_[a-z]+)+(?=: )")  # at the start of a reason
Link = Callable[[NightRow], str]


@dataclass(frozen=True)
class ShownRow:
    """A row as the page shows it; `sorted_by` is what each cell is sorted by, empty where by its text."""

    kind: str
    link: str
    day: str
    time: str
    sign: str
    tone: str
    lead: str
    why: str
    cells: tuple[Cell, ...]
    sorted_by: tuple[str, ...]


def nights_page(
    graph: str,
    rows: Sequence[NightRow],
    needed: Sequence[Need],
    picture: Picture | None,
    link: Link,
    shadow: str = "",
) -> str:
    """Return the index as HTML; `link` gives the address of a night's page, empty where there is none.

    `shadow` says in words who has the shadow's place; empty where nobody has it.
    """
    shown = [_shown(row, link) for row in reversed(rows)]
    nights = [row for row in rows if row.night is not None]
    metric = _metric(rows)
    script = template_text("nights.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return page_environment().get_template("nights.html").render(
        graph=graph,
        headline=headline(rows, needed),
        tone=_tone(nights, needed),
        needs=needed,
        links={"": "", **{row.night.run_name: link(row) for row in nights if row.night is not None}},
        facts=(*facts(nights), *([("shadow", shadow)] if shadow else [])),
        picture=picture,
        columns=[name.format(metric=metric_name(metric)) for name in COLUMNS],
        rows=shown,
        kinds=sorted(Counter(row.kind for row in shown).items()),
        num_nights=len(nights),
        style=Markup(template_text("report.css") + template_text("nights.css")),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704 - our own file
        script_digest=digest,
    )  # fmt: skip


def nights_picture(rows: Sequence[NightRow]) -> Picture | None:
    """Return the drawing of the nights; None where no night has figures. Drawing it is most of what the page costs."""
    count = min(sum(row.night is not None for row in rows), DRAWN_NIGHTS)
    if not any(row.figures for row in rows):
        return None
    metric = _metric(rows)
    title = (
        f"The champion's {metric_name(metric)} with its interval, the best of the floor, the age of its weights, and "
        f"the graph"
    )
    return Picture(
        title,
        f"{title}, over {count} nights; the table below has every value",
        nights_figure("nights", rows, metric),
        nights_figure("nights-narrow", rows, metric, width=NARROW),
        wide=True,
    )


def _metric(rows: Sequence[NightRow]) -> str:
    """Return the metric of the last night that was scored."""
    return next((row.figures.metric for row in reversed(rows) if row.figures and row.figures.metric), "mrr")


def headline(rows: Sequence[NightRow], needed: Sequence[Need]) -> str:
    """Return in one sentence what serves after the last row, and in one how much needs a person.

    The last row may be a refresh or a rollback; the age of the weights is counted up to the last night.
    """
    nights = [row.night for row in rows if row.night is not None]
    if not nights:
        return "No night has ended yet."
    last, as_of = rows[-1], nights[-1].as_of
    serves = "No model serves yet" if last.champion is None else f"Version {last.champion} serves"
    if last.trained_on is not None and last.trained_on <= as_of:
        days = (as_of - last.trained_on).days
        serves += f", its weights {days} {'day' if days == 1 else 'days'} old"
    if not needed:
        return f"{serves}. Nothing needs you."
    return f"{serves}. {len(needed)} {'thing needs' if len(needed) == 1 else 'things need'} you."


def facts(nights: Sequence[NightRow]) -> tuple[tuple[str, str], ...]:
    """Return the nights in a few figures."""
    if not nights:
        return ()
    counts = Counter(row.kind for row in nights)
    scored = [row.figures for row in nights if row.figures is not None and row.figures.champion is not None]
    found = [
        ("nights", f"{len(nights):,}, {nights[0].when:%Y-%m-%d} to {nights[-1].when:%Y-%m-%d}"),
        ("outcomes", ", ".join(f"{count} {kind}" for kind, count in counts.most_common())),
    ]
    if scored and (champion := scored[-1].champion) is not None:
        last = scored[-1]
        found.append((f"champion's {metric_name(last.metric)}, last scored", estimate_text(champion)))
        if last.floor is not None:
            found.append((f"best of the floor ({scorer_name(last.floor_name)})", estimate_text(last.floor)))
    return (*found, *_age_facts(nights))


def _age_facts(nights: Sequence[NightRow]) -> tuple[tuple[str, str], ...]:
    """Return what older models and graphs lost when it was last measured."""
    measured = [row for row in nights if row.figures and (row.figures.model_losses or row.figures.graph_losses)]
    if not measured or (last := measured[-1].figures) is None:
        return ()
    metric, when = metric_name(last.metric), f"{measured[-1].when:%Y-%m-%d}"
    return tuple(
        (
            f"an older {what} ({metric}, {when})",
            "; ".join(f"{nights_text(age)}: {loss_in_words(loss)}" for age, loss in losses.items()),
        )
        for what, losses in (("model", last.model_losses), ("graph", last.graph_losses))
        if losses
    )


def _tone(nights: Sequence[NightRow], needed: Sequence[Need]) -> str:
    return "bad" if any(need.urgent for need in needed) else "warn" if needed else "good" if nights else "even"


def _shown(row: NightRow, link: Link) -> ShownRow:
    night, figures = row.night, row.figures
    champion, floor, difference = (figures.champion, figures.floor, figures.difference) if figures else (None,) * 3
    took = None if figures is None else _total(figures.train_seconds, figures.evaluate_seconds)
    shift = figures.drift.get("degree_shift") if figures else None
    edges = figures.edges if figures else None
    cells = (
        Cell(f"v{row.champion}" if row.champion is not None else "", number=True),
        number(row.age_days) if row.age_days is not None else Cell("", number=True),
        _or_empty(champion),
        _or_empty(floor),
        _or_empty(difference, signed=True),
        Cell("", number=True) if edges is None else Cell(f"{edges:,}", number=True, bounds=_turnover(row)),
        number(shift, 2) if shift is not None else Cell("", number=True),
        Cell(f"{took:,.0f}", number=True) if took is not None else Cell("", number=True),
    )
    values = (row.champion, row.age_days, *(_value(each) for each in (champion, floor, difference)), edges, shift, took)
    when = row.when.astimezone(UTC)
    return ShownRow(
        kind=row.kind,
        link=link(row) if night is not None else "",
        day=f"{when:%Y-%m-%d}",
        time=f"{when:%H:%M}",
        sign=SIGNS.get(row.kind) or SIGNS_OF_EVENTS.get(row.kind, "·"),
        tone=TONES.get(row.kind) or TONES_OF_EVENTS.get(row.kind, ""),
        lead=_lead(row),
        why=_reason(row),
        cells=cells,
        sorted_by=tuple("" if value is None else f"{value:.6g}" for value in values),
    )


def _turnover(row: NightRow) -> str:
    figures = row.figures
    if figures is None or figures.added_edges is None or figures.removed_edges is None:
        return ""
    return f"+{figures.added_edges:,} -{figures.removed_edges:,}"


def _or_empty(interval: Interval | None, *, signed: bool = False) -> Cell:
    return Cell("", number=True) if interval is None else estimate(interval, signed=signed)


def _value(interval: Interval | None) -> float | None:
    return None if interval is None else interval.value


def _total(*seconds: float | None) -> float | None:
    known = [value for value in seconds if value is not None]
    return sum(known) if known else None


def _lead(row: NightRow) -> str:
    """Return what came of a night in a few plain words; an event's own sentence says it."""
    if row.night is None:
        return ""
    stays = f"Version {row.champion} stays" if row.champion is not None else "No model serves"
    if row.kind == "promoted":
        return f"Version {row.night.version} became champion."
    if row.kind == "refused" and row.night.completed:
        return f"Refused by the gate. {stays}."
    sentences = {
        "kept": f"{stays}.",
        "skipped": "Nothing to train.",
        "refused": f"Refused before a decision. {stays}.",
        "failed": f"Ended without a decision. {stays}.",
        "awaiting": "Passed the gate, and waits for a person.",
        "rejected": f"Rejected by a person. {stays}.",
    }
    return sentences.get(row.kind, "")


def _reason(row: NightRow) -> str:
    """Return a reason that fits a row, its rule in words; what a night's page does not have is not cut."""
    why = RULE.sub(lambda found: found[0].replace("_", " "), row.why, count=1) if RULE.match(row.why) else row.why
    if row.night is None or len(why) <= WHY_LENGTH:
        return why
    return f"{why[:WHY_LENGTH].rsplit(' ', 1)[0]} …"
