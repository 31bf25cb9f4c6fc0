"""The directive `settings`: the fields of a pydantic model, with default, accepted values and comment."""

from __future__ import annotations

import inspect
import re
import types
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from docutils import nodes
from docutils.parsers.rst import directives
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PARAMS_FILE = Path(__file__).parents[2] / "params.yaml"
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


class Settings(SphinxDirective):
    """Describe the fields of one model, `package.module.Model`; `:section:` says where params.yaml has them."""

    required_arguments = 1
    option_spec = {"section": directives.unchanged}  # noqa: RUF012 (docutils declares it so)

    def run(self) -> list[nodes.Node]:
        """Return one list."""
        module, _, name = self.arguments[0].rpartition(".")
        try:
            model = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise self.error(f"settings: {error}. Name a pydantic model that there is.") from error
        section = self.options.get("section", "")
        return self.parse_text_to_nodes(settings_list(model, yaml_comments(PARAMS_FILE.read_text(), section)))


def settings_list(model: type[BaseModel], comments: dict[str, str]) -> str:
    """Return a Markdown definition list; a field without a comment in the file has the one beside it in the source."""
    comments = source_comments(model) | comments
    entries = []
    for name, field in model.model_fields.items():
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            facts = f"{accepted(field)}; default `{plain(field.default)}`"
            entries.append(f"`{name}`\n: {facts}\n\n  {comments.get(name, '')}".rstrip())
    return "\n\n".join(entries)


def plain(value: Any) -> str:
    """Return a value as YAML has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, tuple):
        return "[" + ", ".join(plain(item) for item in value) + "]"
    return str(value) if value != "" else '""'


def accepted(field: FieldInfo) -> str:
    """Return the type or the choices of a field, and its bounds."""
    found = [(sign, getattr(one, key)) for one in field.metadata for key, sign in BOUNDS.items() if hasattr(one, key)]
    bounds = [f"{sign} {bound}" if isinstance(bound, int) else f"{sign} {bound:g}" for sign, bound in found]
    return ", ".join([words(field.annotation), *bounds])


def words(annotation: Any) -> str:
    """Return a type in words."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(words(part) for part in parts)
    if origin is tuple:
        return f"list of {words(parts[0])}"
    if hasattr(annotation, "__metadata__"):
        return words(parts[0])
    names = {str: "text", int: "whole number", float: "number", bool: "`true`, `false`", types.NoneType: "`null`"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


def source_comments(model: type[BaseModel]) -> dict[str, str]:
    """Return the comment of each field: the lines above it, then the one behind it."""
    found: dict[str, str] = {}
    above: list[str] = []
    for line in inspect.getsource(model).splitlines():
        code, _, comment = line.partition("# ")
        if field := re.match(r"    (\w+): ", code):
            found[field[1]] = " ".join([*above, comment.strip()]).strip()
        above = [*above, comment.strip()] if comment and not code.strip() else []
    return {name: comment for name, comment in found.items() if comment}


def yaml_comments(text: str, section: str) -> dict[str, str]:
    """Return the comment behind each key of a section such as `train.model`, with the lines that go on with it."""
    found: dict[str, str] = {}
    path: list[str] = []
    for line in text.splitlines():
        code, _, comment = line.partition("# ")
        if key := re.match(r"( *)(\w+):", code):
            path = [*path[: len(key[1]) // 2], key[2]]
            found[".".join(path)] = comment.strip()
        elif comment and not code.strip() and path:
            found[".".join(path)] += " " + comment.strip()
    start = f"{section}."
    return {key.removeprefix(start): text for key, text in found.items() if section and key.startswith(start) and text}


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the directive."""
    app.add_directive("settings", Settings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
