"""Scanners for the rules that no linter holds; each returns what it found, so that a planted fault can be shown."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import networkx

# Source package (or file) to test folder.
MIRRORS = {
    "ncnc_core": "core",
    "pipeline": "pipeline",
    "dags": "dags",
    "embedded": "embedded",
    "benchmarks": "benchmarks",
}
DRAWERS = re.compile(r"^(utils?|common|misc|helpers?|.*_utils?)$")
MAXIMUM_LINES = 250
MAXIMUM_FUNCTION_LINES = 40
PICKLE_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
PICKLE_CALLS = {"read_pickle", "to_pickle"}
DOOR_PROGRAMS = {"git", "dvc"}
STYLED_TEXT = {"rich", "rich.console", "rich.markup", "rich.text"}


def sources(root: Path) -> Iterator[Path]:
    """Yield every source file of the product, relative to the root; package markers have nothing to mirror."""
    for package in MIRRORS:
        found = [root / package] if package.endswith(".py") else (root / package).rglob("*.py")
        for path in sorted(path for path in found if path.is_file()):
            if path.name != "__init__.py":
                yield path.relative_to(root)


def mirror(source: Path) -> Path:
    """Return the test file of a source file, relative to the root."""
    package = next(name for name in MIRRORS if source.is_relative_to(name))
    folders = source.relative_to(package).parts[:-1]
    return Path("tests", MIRRORS[package], *folders, f"test_{source.name}")


def without_a_test(root: Path) -> list[str]:
    """Return the source files whose mirrored test file is missing."""
    return [path.as_posix() for path in sources(root) if not (root / mirror(path)).is_file()]


def without_a_source(root: Path) -> list[str]:
    """Return the test files that mirror no source file."""
    mirrored = {mirror(path) for path in sources(root)}
    return [
        path.relative_to(root).as_posix()
        for folder in MIRRORS.values()
        for path in sorted((root / "tests" / folder).rglob("test_*.py"))
        if path.relative_to(root) not in mirrored
    ]


def without_a_fast_test(root: Path) -> list[str]:
    """Return the test files of which `make test` runs nothing, as all is marked slow; tests/stack is not looked at."""
    return [
        path.relative_to(root).as_posix()
        for path in sorted((root / "tests").rglob("test_*.py"))
        if path.parent != root / "tests" / "stack" and _all_slow(ast.parse(path.read_text()))
    ]


def _all_slow(module: ast.Module) -> bool:
    marks = [
        node.value for node in module.body if isinstance(node, ast.Assign) and "pytestmark" in map(dotted, node.targets)
    ]
    if any(_names_slow(mark) for mark in marks):
        return True
    tests = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return all(any(map(_names_slow, test.decorator_list)) for test in tests)


def _names_slow(mark: ast.expr) -> bool:
    """Whether a mark, or one of a list of marks, is the slow one; one of a parameter alone leaves the others fast."""
    return any(dotted(one) == "pytest.mark.slow" for one in (mark.elts if isinstance(mark, ast.List) else [mark]))


def drawers(root: Path) -> list[str]:
    """Return the files and folders named for no noun."""
    return [
        path.as_posix() for path in sources(root) if any(DRAWERS.match(part.removesuffix(".py")) for part in path.parts)
    ]


def too_long(root: Path) -> list[str]:
    """Return the source files over the limit of lines."""
    return [path.as_posix() for path in sources(root) if len((root / path).read_text().splitlines()) > MAXIMUM_LINES]


def circles(root: Path) -> list[list[str]]:
    """Return the sets of files that import each other in a circle; every import counts, wherever it stands."""
    files = {".".join(path.with_suffix("").parts): path for path in sources(root)}
    imports = networkx.DiGraph()
    for name, path in files.items():
        for node in ast.walk(ast.parse((root / path).read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                found = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            else:
                found = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            imports.add_edges_from((name, other) for other in found & files.keys())
    components = networkx.strongly_connected_components(imports)
    return sorted(sorted(files[name].as_posix() for name in circle) for circle in components if len(circle) > 1)


def long_functions(root: Path) -> list[str]:
    """Return the functions over the limit of lines, docstring and signature counted, as `file: name`."""
    return [
        f"{path.as_posix()}: {node.name}"
        for path in sources(root)
        for node in ast.walk(ast.parse((root / path).read_text()))
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= MAXIMUM_FUNCTION_LINES
    ]


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for an attribute chain, and the empty string for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def imported(node: ast.AST) -> set[str]:
    """Return the top-level modules that a node imports."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return {(node.module or "").partition(".")[0]}
    return set()


def _keyword(node: ast.Call, name: str) -> object:
    values = [item.value for item in node.keywords if item.arg == name]
    return values[0].value if values and isinstance(values[0], ast.Constant) else None


def pickles(text: str) -> list[int]:
    """Return the lines that could write or run a pickle: one that is loaded runs whatever its author wanted."""
    lines = []
    for node in ast.walk(ast.parse(text)):
        if imported(node) & PICKLE_MODULES:
            lines.append(node.lineno)  # type: ignore[attr-defined]  # an import statement has a line
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        last = name.rpartition(".")[2]
        if (
            name == "torch.save"
            or (name == "torch.load" and _keyword(node, "weights_only") is not True)
            or _keyword(node, "allow_pickle") is True
            or last in PICKLE_CALLS
        ):
            lines.append(node.lineno)
    return lines


def reads_of_the_environment(text: str) -> list[int]:
    """Return the lines that touch the process's environment."""
    lines = []
    for node in ast.walk(ast.parse(text)):
        touched = isinstance(node, ast.Attribute) and dotted(node) in {
            "os.environ",
            "os.environb",
            "os.getenv",
            "os.putenv",
        }
        named = isinstance(node, ast.ImportFrom) and node.module == "os"
        if touched or (named and any(alias.name in {"environ", "getenv"} for alias in node.names)):  # type: ignore[attr-defined]
            lines.append(node.lineno)  # type: ignore[attr-defined]
    return lines


def renames(text: str) -> list[int]:
    """Return the lines that rename a path: `path.rename(target)`, and `path.replace(target)` with its one argument."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"rename", "replace"}
        and (dotted(node.func.value) == "os" or (len(node.args) == 1 and not node.keywords))
    ]


def runs_of_git_or_dvc(text: str) -> list[int]:
    """Return the lines that hold an argument list for git or dvc."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.List | ast.Tuple)
        and node.elts
        and isinstance(node.elts[0], ast.Constant)
        and node.elts[0].value in DOOR_PROGRAMS
        and len(node.elts) > 1
    ]


def uses_of_styled_text(text: str) -> list[int]:
    """Return the lines that bring in rich's console, markup or styled text, or have it read a string as markup.

    A table's cells are strings, and whether brackets in them are markup is the console's choice: so it is the console
    that must not be another one.
    """
    lines = []
    for node in ast.walk(ast.parse(text)):
        named = isinstance(node, ast.ImportFrom) and node.module in STYLED_TEXT
        whole = isinstance(node, ast.Import) and any(alias.name in STYLED_TEXT for alias in node.names)
        on = isinstance(node, ast.Call) and (
            _keyword(node, "markup") is True
            or (dotted(node.func) == "TextColumn" and _keyword(node, "markup") is not False and _shows_a_field(node))
        )
        if named or whole or on:
            lines.append(node.lineno)  # type: ignore[attr-defined]  # an import or a call has a line
    return lines


def _shows_a_field(node: ast.Call) -> bool:
    return any(isinstance(item, ast.Constant) and "{" in str(item.value) for item in node.args)
