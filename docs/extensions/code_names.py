"""Names in backticks: those of the library's reference become links, and one that names nothing is a warning.

Checked are dotted names and paths of this project (`pipeline.errors`, `ncnc_core/kernels/`), attributes of the classes
in the reference (`LinkModel.fit`), and keys of params.yaml (`decide.floor`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from docutils import nodes
from pydantic import BaseModel
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

from pipeline.params.params import Params

logger = logging.getLogger(__name__)
ROOT = Path(__file__).parents[2]
PACKAGES = ("ncnc_core", "pipeline", "embedded", "benchmarks", "dags", "docker", "tests")
PLACEHOLDER = re.compile(r"\b(test_)?[xy]\.py$|\.\.\.")  # `ncnc_core/x/y.py`: any file
# Words of a dotted name that is a file and not a key or an attribute: `model.json`.
FILE_ENDINGS = ("json", "safetensors", "html", "yaml", "yml", "md", "py", "parquet", "csv", "png", "zst")
HISTORY = ("decisions/", "reference/changelog")  # pages that record what was: they may name what is gone


def link_names(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link or refuse every name in backticks on one page."""
    objects = {name: entry for name, entry in app.env.domains.python_domain.objects.items() if not entry.aliased}
    for literal in list(doctree.findall(nodes.literal)):
        text = literal.astext()
        name = re.sub(r"\(.*\)$", "", text)
        if isinstance(literal.parent, (nodes.reference, nodes.title)) or not re.fullmatch(r"[\w./]+", name):
            continue
        if full := referenced(name, objects):
            entry = objects[full]
            link = make_refnode(app.builder, docname, entry.docname, entry.node_id, literal.deepcopy(), full)
            literal.replace_self(link)
        elif not docname.startswith(HISTORY) and not exists(name, objects):
            logger.warning("%s names nothing: rename or remove it", text, location=literal, type="ncnc", subtype="name")


def referenced(name: str, objects: Mapping[str, Any]) -> str | None:
    """Return the full name of an object in the reference that a short one means, if it can only be one."""
    if name in objects:
        return name
    found = [full for full in objects if full.endswith(f".{name}")]
    if "." not in name and not name[:1].isupper():  # a word: only a function's, `read_graph`, and no parameter's
        found = [full for full in found if "_" in name and objects[full].objtype == "function"]
    return found[0] if len(found) == 1 else None


def exists(name: str, objects: Mapping[str, Any]) -> bool:
    """Say whether a name is something, or is none of those that are checked."""
    first, _, rest = name.replace("/", ".").partition(".")
    if not rest or PLACEHOLDER.search(name) or (name.rpartition(".")[2] in FILE_ENDINGS and "/" not in name):
        return True
    if first in PACKAGES:
        return (ROOT / name).exists() if "/" in name else importable(name)
    if any(full.endswith(f".{first}") for full in objects) and first[:1].isupper():
        return False
    return first not in Params.model_fields or rest in set(keys(Params.model_fields[first].annotation))


def keys(section: Any) -> Iterator[str]:
    """Yield the keys of a section, those of a section within it with their path."""
    if isinstance(section, type) and issubclass(section, BaseModel):
        for name, field in section.model_fields.items():
            yield name
            yield from (f"{name}.{inner}" for inner in keys(field.annotation))


def importable(name: str) -> bool:
    """Say whether a dotted name is a module, or an attribute of one."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        if (module := ROOT.joinpath(*parts[:cut])).with_suffix(".py").is_file() or module.is_dir():
            found: Any = import_module(".".join(parts[:cut])) if cut < len(parts) else None
            for attribute in parts[cut:]:
                if not hasattr(found, attribute):
                    return False
                found = getattr(found, attribute)
            return True
    return False


def setup(app: Sphinx) -> dict[str, Any]:
    """Look at each page once all pages are read."""
    app.connect("doctree-resolved", link_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
