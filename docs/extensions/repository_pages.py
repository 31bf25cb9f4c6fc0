"""Markdown files outside docs/ as pages of the site: the directive `repository-page`, and the links to such files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
# The page that shows a file, for the links to it.
PAGES = {
    "ARCHITECTURE.md": "docs/explanation/architecture.md",
    "CHANGELOG.md": "docs/reference/changelog.md",
    "CONTRIBUTING.md": "docs/how-to/contribute.md",
    "README.md": "docs/index.md",
    "docker/README.md": "docs/how-to/deploy.md",
}
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
    """Return the text below a file's title, its links as they are written from a page of the site."""
    text = site_links(path.read_text().partition("\n")[2], path.parent, page.parent)
    return text.replace("```mermaid", "```text")  # drawn by scripts alone, and the site brings none


def site_links(text: str, folder: Path, page_folder: Path) -> str:
    """Return a text of one folder with its links as they are written from another, to the site's pages.

    A link to what is no page of the site loses its address; one to a file that is not there keeps it, and fails.
    """

    def turned(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(folder / link[2]))
        target = target / "README.md" if (target / "README.md").is_file() else target
        if target.is_relative_to(ROOT) and (shown := PAGES.get(target.relative_to(ROOT).as_posix())):
            target = ROOT / shown
        if target.exists() and (ROOT / "docs" not in target.parents or target.is_dir()):
            return f"`{link[1]}`" if "`" not in link[1] else link[1]
        return f"[{link[1]}]({os.path.relpath(target, page_folder)}{link[3] or ''})"

    return LINK.sub(turned, text)


def turn_links(app: Sphinx, docname: str, source: list[str]) -> None:
    """Turn a page's links to files outside docs/ to the pages that show them."""
    folder = Path(app.env.doc2path(docname)).parent
    if folder.is_relative_to(ROOT / "docs"):
        source[0] = re.sub(
            r"(?<!!)\[[^\]]*\]\((?:\.\./)+(?:docker|[A-Z]+\.md)[^)]*\)",
            lambda link: site_links(link[0], folder, folder),
            source[0],
        )


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the directive and of the links."""
    app.add_directive("repository-page", RepositoryPage)
    app.connect("source-read", turn_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
