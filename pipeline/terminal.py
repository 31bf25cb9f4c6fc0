"""The console on which a person reads, the log, and the only place that knows rich's console and styled text.

Rich takes square brackets in a string for markup, and an unknown tag in them for an error. Here a string is always
plain text, wherever it stands: printed, in a table's cell, in a title. What has a colour is made with `styled`.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from rich.console import Console, RenderableType
from rich.status import Status
from rich.text import Text

from pipeline.plain_text import plain, plain_lines

Said = str | Text  # what a terminal prints
OUR_PACKAGES = ("ncnc_core", "pipeline")
TEXT_WIDTH = 200  # a log has no width of its own, and rich would fold at 80


class Terminal(Console):
    """A console that shows every string as it is; the options are those of rich's console."""

    def __init__(self, **options: Any) -> None:  # Any: rich's console takes some thirty options
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a string as rich shows it; rich asks this for every string that is no `Text`."""
        return super().render_str(plain(text), **options)

    def status(self, status: RenderableType, **options: Any) -> Status:
        """Show what is being done; rich would read markup in it, whatever the console says."""
        return super().status(styled(status) if isinstance(status, str) else status, **options)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Return one text of parts, each a string or a string and its style such as "bold red"."""
    pairs = [(part, "") if isinstance(part, str) else part for part in parts]
    return Text.assemble(*((plain(text), style) for text, style in pairs))


def for_messages(*, width: int = TEXT_WIDTH) -> Terminal:
    """Return the terminal behind standard error, where messages go; `width` is that of a log."""
    terminal = Terminal(stderr=True)
    if not terminal.is_terminal:
        terminal.width = width
    return terminal


def log_to_messages(level: str) -> None:
    """Write the log of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PlainLines("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(handlers=[handler])
    for package in OUR_PACKAGES:  # a library speaks from WARNING on: below that it tells of keys and endpoints
        logging.getLogger(package).setLevel(level)


class _PlainLines(logging.Formatter):
    """Writes an entry of the log so that nothing in its message is obeyed or begins another entry."""

    def format(self, record: logging.LogRecord) -> str:
        return plain_lines(super().format(record))
