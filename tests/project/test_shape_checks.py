"""What pytest's `--jaxtyping-packages` refuses, as `tests/fixtures/shape_checks.py` has it checked."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import jaxtyping
import pytest
import torch

from ncnc_core.graph.adjacency import Adjacency

MODULE = """
from __future__ import annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from jaxtyping import Float, Int
from torch import Tensor
if TYPE_CHECKING:
    from nowhere import Unknown

@runtime_checkable
class Sized(Protocol):
    size: int
    def grow(self) -> None: ...

@dataclass(frozen=True)
class Rows:
    values: Float[Tensor, "rows columns"]
    rows: Int[Tensor, " rows"]
    size: int = 0
    def grow(self) -> None: ...
    @property
    def first(self) -> Float[Tensor, " columns"]:
        return self.values
    @classmethod
    def of(cls, count: int) -> int:
        return str(count)

def added(a: Float[Tensor, " n"], b: Float[Tensor, " n"] | None = None, *more: Float[Tensor, " n"]) -> Tensor:
    return a

def halved(a: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    return a[: len(a) // 2]

def doubled(a: Float[Tensor, " n"]) -> Float[Tensor, " 2*n"]:
    return added(a[:1]).expand(len(a))

def counted(a: list[int], name: str = "") -> int:
    return name

def of_each(parts: tuple[Float[Tensor, " n"], Float[Tensor, " n"]]) -> None: ...

def drawn(count: int) -> Iterator[int]:
    yield count

def grown(what: Sized) -> None: ...

def unknown(what: Unknown, count: int) -> None: ...
"""


@pytest.fixture(scope="module")
def instrumented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    folder = tmp_path_factory.mktemp("instrumented")
    (Path(folder) / "instrumented_module.py").write_text(MODULE)
    with (
        pytest.MonkeyPatch.context() as patch,
        jaxtyping.install_import_hook("instrumented_module", "beartype.beartype"),
    ):
        patch.syspath_prepend(folder)
        yield importlib.import_module("instrumented_module")


N, M, WHOLE = torch.zeros(4), torch.zeros(3), torch.zeros(4, dtype=torch.int64)
REFUSED = {
    "another size of an axis": lambda m: m.added(N, M),
    "another size of an axis, by name": lambda m: m.added(a=N, b=M),
    "another size of an axis, among the rest": lambda m: m.added(N, N, N, M),
    "another size within a tuple": lambda m: m.of_each((N, M)),
    "another number of axes": lambda m: m.added(torch.zeros(4, 1)),
    "another kind of number": lambda m: m.added(WHOLE),
    "no tensor": lambda m: m.added([0.0]),
    "a result of another size": lambda m: m.halved(N),
    "a result of a size that was not worked out": lambda m: m.doubled(N),
    "an argument without arrays": lambda m: m.counted([1], 2),
    "what a list holds": lambda m: m.counted(["a"]),
    "a result without arrays": lambda m: m.counted([1]),
    "fields of a dataclass that do not fit": lambda m: m.Rows(torch.zeros(4, 2), torch.zeros(3, dtype=torch.int64)),
    "a property": lambda m: m.Rows(torch.zeros(4, 2), WHOLE).first,
    "a class method": lambda m: m.Rows.of(3),
    "an argument of a generator": lambda m: m.drawn("a"),
    "what lacks a member of a protocol": lambda m: m.grown(3),
    "an argument beside one that cannot be known": lambda m: m.unknown(3, "a"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_call_against_its_annotations_is_refused(what: str, instrumented: ModuleType) -> None:
    with pytest.raises(jaxtyping.TypeCheckError):
        REFUSED[what](instrumented)


def test_call_as_annotated_goes_through_and_sizes_are_of_one_call_alone(instrumented: ModuleType) -> None:
    assert instrumented.added(N, N, N) is N
    assert instrumented.added(M) is M
    rows = instrumented.Rows(torch.zeros(4, 2), WHOLE)
    instrumented.of_each((M, M))
    instrumented.grown(rows)
    instrumented.unknown(object(), 1)
    assert list(instrumented.drawn(3)) == [3]
    # The core itself is instrumented.
    with pytest.raises(jaxtyping.TypeCheckError):
        Adjacency.from_edges(torch.zeros(3, 2, dtype=torch.int64), 4)
