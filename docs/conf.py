"""How `make docs` builds the site. Every warning is an error there: a link or a name that leads nowhere fails."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "extensions")]

project = "ncnc"
author = "the ncnc developers"
copyright = author

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "code_names",
    "command_pages",
    "repository_pages",
    "settings_lists",
]
exclude_patterns = ["extensions", "theme"]
nitpicky = True
# Types of other projects: there is no network to look them up in their own documentation.
nitpick_ignore_regex = [
    ("py:.*", r"(torch|torch_geometric|numpy|np|pandas|pd|pathlib|pydantic|jaxtyping|collections|typing)(\..*)?"),
    ("py:class", r"(Tensor|Path|Data|Float|Int64|Any|SupportsIndex|Literal)"),
    ("py:class", r"(Asked|ncnc_core\.inputs\.node_ids\.NodePlaces)"),  # any table; and what only the library makes
]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
myst_disable_syntax = ["html_inline"]  # the text of an option may say <graph>: it is no tag

# The inputs a function looks at itself, by their names and not as what they stand for.
autodoc_type_aliases = {
    name: name
    for name in ("EdgeInput", "PairInput", "FeatureInput", "WeightInput", "TimeInput", "IdsInput", "SelectionMetric")
}
default_role = "code"  # single backticks in a docstring
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
maximum_signature_line_length = 80
python_use_unqualified_type_names = True

html_title = "ncnc"
html_theme = "pydata_sphinx_theme"
html_static_path = ["theme"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "show_nav_level": 2,
    "footer_start": [],
    "footer_end": [],
}
html_sidebars = {"index": []}


def menu_of_decisions(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put every decision into the menu below their list, which is read in the repository too and has no directives."""
    if docname == "decisions/README":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\n0*\n```\n"


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", menu_of_decisions)
