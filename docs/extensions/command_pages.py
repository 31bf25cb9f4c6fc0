"""The directive `command-line`: every command of ncnc with its options, from the Typer app itself."""

from __future__ import annotations

from typing import Any

import typer.main
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from typer.cli import get_docs_for_click

from pipeline.cli import app


class CommandLine(SphinxDirective):
    """Describe every command; the page brings the title."""

    def run(self) -> list[nodes.Node]:
        """Return a section per command."""
        return self.parse_text_to_nodes(command_pages(), allow_section_headings=True)


def command_pages() -> str:
    """Return the commands as Markdown, from the first one on: what comes before repeats their first words."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="ncnc")
    text = get_docs_for_click(obj=command, ctx=context, name="ncnc")
    return text[text.index("\n## ") :]


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
