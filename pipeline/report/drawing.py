"""Turns a matplotlib figure into SVG that uses the page's own colours and font, in light and dark mode."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# matplotlib draws with these placeholder colours; `as_svg` replaces each by the page's colour of that name.
STANDS_FOR = {
    "ink": "#0a0b01",
    "muted": "#0a0b02",
    "grid": "#0a0b03",
    "challenger": "#0a0b04",
    "champion": "#0a0b05",
    "control": "#0a0b06",
    "other": "#0a0b07",
    "bad": "#0a0b08",
}
PIXELS = 72.0  # matplotlib's SVG counts points, 72 an inch
STYLE = {
    "svg.fonttype": "none",  # text stays text: you can search it, screen readers read it, and it uses the page's font
    "svg.hashsalt": "ncnc",  # equal figures, equal bytes
    "font.family": "sans-serif",
    "font.size": 12.0,
    "axes.edgecolor": STANDS_FOR["muted"],
    "axes.labelcolor": STANDS_FOR["ink"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": STANDS_FOR["grid"],
    "text.color": STANDS_FOR["ink"],
    "xtick.color": STANDS_FOR["muted"],
    "xtick.labelcolor": STANDS_FOR["ink"],
    "ytick.color": STANDS_FOR["muted"],
    "ytick.labelcolor": STANDS_FOR["ink"],
    "legend.frameon": False,
    "legend.fontsize": 11.0,
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class Look:
    """How one scorer is drawn in every figure; marker and line differ as well as the colour."""

    colour: str
    marker: str
    line: str


LOOKS = {
    "challenger": Look(STANDS_FOR["challenger"], "o", "-"),
    "champion": Look(STANDS_FOR["champion"], "s", "--"),
    "cold_control": Look(STANDS_FOR["control"], "^", "-."),
}
OTHER = Look(STANDS_FOR["other"], "D", ":")


def look(scorer: str) -> Look:
    """Return how a scorer is drawn."""
    return LOOKS.get(scorer, OTHER)


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in pixels."""
    return Figure(figsize=(width / PIXELS, height / PIXELS), facecolor="none")


def styled() -> Any:  # Any: matplotlib's context manager
    """Apply the style; draw and save inside this context."""
    return mpl.rc_context(STYLE)  # type: ignore[arg-type]  # its stubs list every key that there is


def quiet(axes: Axes, *, grid: str = "y") -> None:
    """Remove the background, and keep thin grid lines along one axis."""
    axes.set_facecolor("none")
    axes.grid(visible=False)
    if grid:
        axes.grid(visible=True, axis=grid, linewidth=0.8)  # type: ignore[arg-type]


def as_svg(figure: Figure, name: str) -> Markup:
    """Return a figure as an SVG element for the page; the name keeps its ids apart from other figures'."""
    stream = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    text = stream.getvalue()
    text = text[text.index("<svg") :].strip()
    # Neither provenance nor namespaces are needed inside HTML, and a page without any address is easier to trust.
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'\s(xmlns(:\w+)?|version)="[^"]*"', "", text)
    text = re.sub(r"(?<=<svg)[^>]*?(viewBox=\"[^\"]*\")[^>]*", r' \1 aria-hidden="true"', text, count=1)
    text = re.sub(r'xlink:href="#', 'href="#', text)
    # An id is a digest of unrounded numbers, whose last digit the layout does not always find the same.
    for place, digest in enumerate(dict.fromkeys(re.findall(r'\bid="([hmp][0-9a-f]{10})"', text))):
        text = text.replace(digest, f"{digest[0]}{place}")
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(href="|url\()#', rf"\1#{name}-", text)
    text = re.sub(r"font-family:[^;\"]*;?|font: ?[\d.]+px[^;\"]*(?=[;\"])", _size_alone, text)
    for colour, stand_in in STANDS_FOR.items():
        text = text.replace(stand_in, f"var(--{colour})")
    # Safe: what matplotlib writes from our texts it has escaped.
    return Markup(re.sub(r"\n\s*", "\n", text))  # noqa: S704


def _size_alone(found: re.Match[str]) -> str:
    """Keep only the size of a font, so that the page's own font is used."""
    size = re.search(r"[\d.]+px", found[0])
    return f"font-size: {size[0]}" if size else ""
