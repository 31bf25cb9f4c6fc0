"""The directive `repository-page`: a Markdown file outside docs/, with its links turned to the site's pages."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")


class RepositoryPage(SphinxDirective):
    """Show a file of the repository as this page, below the page's own title."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the file's sections."""
        path = ROOT / self.arguments[0]
        if not path.is_file():
            raise self.error(f"repository-page: there is no file {self.arguments[0]} in the repository. Correct it.")
        page = Path(self.env.doc2path(self.env.docname))
        return self.parse_text_to_nodes(site_text(path, page), allow_section_headings=True)


def site_text(path: Path, page: Path) -> str:
    """Return the text below a file's title, its links as they are written from a page of the site.

    A link to what is no page of the site loses its address; one to a file that is not there keeps it, and fails.
    """

    def turned(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(path.parent / link[2]))
        target = target / "README.md" if (target / "README.md").is_file() else target
        if target.exists() and (ROOT / "docs" not in target.parents or target.is_dir()):
            return f"`{link[1]}`" if "`" not in link[1] else link[1]
        return f"[{link[1]}]({os.path.relpath(target, page.parent)}{link[3] or ''})"

    text = LINK.sub(turned, path.read_text().partition("\n")[2])
    return text.replace("```mermaid", "```text")  # drawn by scripts alone, and the site brings none


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the directive."""
    app.add_directive("repository-page", RepositoryPage)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
