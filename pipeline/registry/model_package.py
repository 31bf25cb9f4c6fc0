"""A LinkModel folder packed as an MLflow pyfunc: models-from-code, no pickle, and the core it needs beside it."""

from __future__ import annotations

import ast
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import mlflow.pyfunc
from mlflow.entities import LoggedModel
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from pandas import DataFrame
from pandas.api.types import is_integer_dtype

from ncnc_core.inputs.asked_table import ENDS
from ncnc_core.scored_table import DEFAULTS
from pipeline.records.names import ARTIFACT

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "ncnc_core"
SERVED_MODEL = Path(__file__).with_name("served_model.py")
PARAM_TYPES = {str: DataType.string, int: DataType.long, float: DataType.double, bool: DataType.boolean}
DISTRIBUTIONS = {"yaml": "PyYAML"}  # named otherwise than their package

# CPython 3.11 counts the depth of a parse for the whole interpreter: two threads that parse fail now and then.
PARSING = threading.Lock()


def pack_model(model_folder: Path, destination: Path, *, logged: LoggedModel, input_example: DataFrame) -> None:
    """Write the pyfunc model into a new folder; needs no network, for the requirements are not inferred."""
    from ncnc_core.link_model import LinkModel  # here: who only asks the registry needs no torch

    with tempfile.TemporaryDirectory() as scratch:
        # MLflow stores an artifact under the name of its folder, whatever key it is given.
        named = shutil.copytree(model_folder, Path(scratch) / ARTIFACT)
        mlflow.pyfunc.save_model(
            path=str(destination),
            python_model=str(SERVED_MODEL),
            artifacts={ARTIFACT: str(named)},
            code_paths=[str(CORE)],
            signature=served_signature(input_example, LinkModel.load(model_folder).network.num_features),
            input_example=input_example,
            pip_requirements=list(served_requirements()),
            mlflow_model=Model(
                artifact_path=logged.artifact_location,
                model_uuid=logged.model_id,
                model_id=logged.model_id,
                run_id=logged.source_run_id,
            ),
        )
    # Saving runs the code, which may leave bytecode of this very Python behind, and numba's kernels for this processor.
    for compiled in list(destination.rglob("__pycache__")):
        shutil.rmtree(compiled)


def served_signature(pairs: DataFrame, num_features: int) -> ModelSignature:
    """Return the signature: the parameters of `ncnc_core.scored_table` with their defaults, ids and a float score out.

    Text ids are declared, so that a CSV request keeps their zeros in front. Whole numbers are not: MLflow's `long`
    refuses a whole table for one missing value, and no type of MLflow takes both that and CSV. The model reads such ids
    itself (`asked_table`). Only source must be given. Features of unknown nodes are lists, declared as strings: one
    column of MLflow's type for lists would refuse CSV and `inputs` for the whole table.
    """
    kind = DataType.long if is_integer_dtype(pairs["source"]) else DataType.string
    inputs: list[ColSpec | TensorSpec] = [ColSpec(kind, "source"), ColSpec(kind, "target", required=False)]
    if num_features:
        inputs += [ColSpec(DataType.string, f"{end}_features", required=False) for end in ENDS]
    outputs: list[ColSpec | TensorSpec] = [ColSpec(kind, end) for end in ENDS]
    return ModelSignature(
        inputs=Schema(inputs) if kind == DataType.string else None,
        outputs=Schema([*outputs, ColSpec(DataType.float, "score")]),
        params=ParamSchema([ParamSpec(name, PARAM_TYPES[type(value)], value) for name, value in DEFAULTS.items()]),
    )


@cache
def served_requirements() -> tuple[str, ...]:
    """Return the distributions that the packed code imports, pinned to the versions installed here.

    Read off the import statements, so that the scheduler or DVC can never slip into a served model's environment. Once
    a process, like `code_version`: it runs the sources that it began with.
    """
    names = {_distribution(package) for package in imported_packages([SERVED_MODEL, *CORE.rglob("*.py")])}
    # A local version (2.13.0+cpu) names a build of this machine, which the one that serves cannot ask an index for.
    return tuple(sorted(f"{name}=={version(name).partition('+')[0]}" for name in names if name))


def _distribution(package: str) -> str | None:
    """Return the distribution that brings an installed package, or None for one that is not installed."""
    name = DISTRIBUTIONS.get(package) or package.replace("_", "-")
    try:
        version(name)
    except PackageNotFoundError:
        # Needed for no import of today, and reads every installed file list: a second, and more on a cold disk.
        return next(iter(packages_distributions().get(package, [])), None)
    return name


def imported_packages(files: Iterable[Path]) -> set[str]:
    """Return the top-level packages that source files import, less the standard library and the core itself."""
    found: set[str] = set()
    for path in files:
        with PARSING:
            tree = ast.parse(path.read_text())
        for node in _statements(tree):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {CORE.name}


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yield every statement below a node. `ast.walk` visits each expression too, and no expression imports."""
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):  # handlers and cases hold statements themselves
        for inner in getattr(node, name, ()):
            yield inner
            yield from _statements(inner)
