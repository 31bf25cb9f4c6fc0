"""A trained model opened by its name: NAME@alias, NAME@version, or the folder it was saved to."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ncnc_core.errors import InvalidGraph
from ncnc_core.link_model import LinkModel
from pipeline.errors import InvalidInput
from pipeline.records.digests import digests_of_folder, folder_digest

if TYPE_CHECKING:
    from pipeline.registry.model_registry import ModelRegistry


@dataclass(frozen=True, eq=False)
class OpenedModel:
    """A model that was loaded: `name` is NAME@version whatever alias was given, `sha256` that of its files."""

    model: LinkModel
    name: str
    sha256: str

    def node_id(self, text: str) -> int | str:
        """Return an id in the model's type: a command line passes text, and ids may be whole numbers.

        Raises:
            InvalidInput: the ids are whole numbers, and this is none.
        """
        if not self.model.node_ids or isinstance(self.model.node_ids[0], str):
            return text
        try:
            return int(text)
        except ValueError:
            raise InvalidInput(
                f"The nodes of this model are whole numbers, not {text!r}; for example {self.model.node_ids[0]}. "
                f"Correct the id."
            ) from None


def opened_model(name: str, registry: Callable[[], ModelRegistry]) -> OpenedModel:
    """Load a model from its folder, or fetch it through the registry's door and verify its bytes.

    Raises:
        InvalidInput: there is no such folder, name, alias or version, or it holds no model that can be read.
    """
    if Path(name).is_dir():
        return _loaded(Path(name), name)
    graph, at, version = name.partition("@")
    if not at:
        raise InvalidInput(
            f"A model is NAME@alias, NAME@version or a folder, not {name!r}. For example {name}@champion."
        )
    door = registry()
    found = door.versions.named(graph, version)
    with tempfile.TemporaryDirectory() as scratch:
        return _loaded(door.models.fetch(found, Path(scratch) / "model"), f"{graph}@{found.version}")


@contextmanager
def refused_as_input() -> Iterator[None]:
    """Turn what the core refuses into the exit code of wrong input."""
    try:
        yield
    except InvalidGraph as error:
        raise InvalidInput(str(error)) from error


def _loaded(folder: Path, name: str) -> OpenedModel:
    with refused_as_input():
        return OpenedModel(LinkModel.load(folder), name, folder_digest(digests_of_folder(folder)))
