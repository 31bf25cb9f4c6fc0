"""The text of a params.yaml: read with every key once, and its mistakes explained with the key that was meant."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import InvalidInput


class _OnceLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice; the standard one takes the last value."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                line = key.start_mark.line + 1
                raise InvalidInput(
                    f"{self.name}, line {line}: {key.value} is given twice in one section. Leave one of them out."
                )
            seen.add(key.value)
        return node


def file_content(path: Path) -> object:
    """Return what the file holds; an empty file has no sections, so every value is the default."""
    try:
        loader = _OnceLoader(path.read_text(encoding="utf-8"))
        loader.name = path.name
        node = loader.get_single_node()
        return {} if node is None else loader.construct_document(node)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is not UTF-8: {error}. Save it as UTF-8.") from error
    except yaml.YAMLError as error:
        raise InvalidInput(f"{path.name} is not YAML: {error}. Mend the line named above.") from error


def explain(path: Path, error: ValidationError, model: type[BaseModel]) -> str:
    """Return a message with every broken rule, its value and remedy; for a misspelt key, the nearest known one."""
    lines = []
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            lines.append(f"{where} is no parameter. Did you mean {_nearest(item['loc'], model)}?")
        else:
            lines.append(f"{where}: {item['msg']} (value: {item['input']!r}). Change it in {path.name}.")
    return f"{path.name} has {len(lines)} wrong setting(s): " + " ".join(lines)


def _nearest(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """Return the key that was meant: the same key of another section in full, or the most similar one here."""
    key, here = str(location[-1]), ".".join(str(part) for part in location[:-1])
    paths = _paths(model)
    elsewhere = [path for path in paths if path.rpartition(".")[2] == key]
    if elsewhere:
        return " or ".join(elsewhere)
    known = [path.rpartition(".")[2] for path in paths if path.rpartition(".")[0] == here]
    return difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]


def _paths(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Return the full name of every section and key, as params.yaml spells it."""
    paths = []
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        paths.append(path)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            paths += _paths(field.annotation, f"{path}.")
    return paths


class Section(BaseModel):
    """A section of params.yaml: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
