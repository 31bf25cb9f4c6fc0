from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from mlflow.entities import LoggedModel, LoggedModelStatus
from mlflow.types import DataType
from pandas import DataFrame

from ncnc_core.scored_table import DEFAULTS
from pipeline.records.digests import digests_of_folder
from pipeline.records.names import MODEL_PATH
from pipeline.registry.model_package import (
    _distribution,
    imported_packages,
    pack_model,
    served_requirements,
    served_signature,
)

PAIRS = DataFrame({"source": [10, 20], "target": [40, 30]})


def test_package_holds_the_model_the_core_and_no_pickle(tmp_path: Path, make_model: Callable[..., Path]) -> None:
    logged = LoggedModel("1", "m-1", "link_model", "file:///unused", 0, 0, status=LoggedModelStatus.PENDING)
    folder, packed = make_model(), tmp_path / "packed"
    pack_model(folder, packed, logged=logged, input_example=PAIRS)
    assert digests_of_folder(packed / MODEL_PATH) == digests_of_folder(folder)
    names = {path.relative_to(packed).as_posix() for path in packed.rglob("*") if path.is_file()}
    assert {"MLmodel", "served_model.py", "code/ncnc_core/link_model.py", "requirements.txt"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pyc", ".pickle")) or "__pycache__" in name]
    assert not [name for name in names if name.startswith("code/") and not name.startswith("code/ncnc_core/")]
    flavor = yaml.safe_load((packed / "MLmodel").read_text())["flavors"]["python_function"]
    assert "python_model" not in flavor  # where a pickled model would be named
    assert "torch==" in (packed / "requirements.txt").read_text()


@pytest.mark.parametrize(
    ("ids", "kind"),
    [([1, 2], DataType.long), (["a", "b"], DataType.string)],
)
def test_signature_has_the_type_of_the_graphs_ids(ids: list[object], kind: DataType) -> None:
    signature = served_signature(DataFrame({"source": ids, "target": ids}), 0)
    assert [(column.name, column.type) for column in signature.outputs][:2] == [("source", kind), ("target", kind)]
    assert [column.name for column in signature.outputs] == ["source", "target", "score"]
    assert (signature.inputs is None) == (kind == DataType.long)  # MLflow's `long` would refuse a missing id


def test_signature_asks_for_the_source_alone_and_knows_every_parameter_by_its_default() -> None:
    signature = served_signature(DataFrame({"source": ["a"], "target": ["b"]}), 3)
    assert signature.inputs.required_input_names() == ["source"]
    assert signature.inputs.optional_input_names() == ["target", "source_features", "target_features"]
    assert set(signature.inputs.pandas_types()) == {object}  # with a list among them, MLflow refuses CSV
    assert {param.name: param.default for param in signature.params} == DEFAULTS


def test_requirements_are_pinned_and_hold_no_scheduler_and_no_data_tools() -> None:
    requirements = served_requirements()
    names = {item.partition("==")[0] for item in requirements}
    assert {"torch", "numpy", "pandas", "pydantic", "safetensors", "jaxtyping", "mlflow"} <= names
    assert not {"apache-airflow", "apache-airflow-core", "dvc", "ncnc", "duckdb"} & names
    assert f"torch=={version('torch').partition('+')[0]}" in requirements
    assert all("+" not in item for item in requirements)


def test_imports_are_read_off_the_source(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("import os, torch.nn\nfrom numpy import array\nfrom ncnc_core.errors import InvalidGraph\n")
    assert imported_packages([path]) == {"torch", "numpy"}


def test_imports_are_found_below_every_kind_of_statement(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text(
        """
class A:
    async def f(self, x):
        import a1
        try:
            import a2
        except* ValueError:
            import a3
        else:
            import a4
        finally:
            import a5
        match x:
            case 1 if x:
                import a6
        while x:
            import a7
        else:
            with x:
                import a8
        async for y in x:
            async with y:
                import a9
        return (lambda: 1) if x else 2
if A:
    pass
elif 1:
    import a10
try:
    import a11
except ImportError:
    import a12
"""
    )
    assert imported_packages([path]) == {f"a{number}" for number in range(1, 13)}


@pytest.mark.parametrize(
    ("package", "distribution"),
    [
        ("torch", "torch"),
        ("torch_geometric", "torch-geometric"),
        ("yaml", "PyYAML"),  # named otherwise than what it brings
        ("sklearn", "scikit-learn"),  # and not known to be
        ("not_installed", None),  # an optional import
    ],
)
def test_distribution_of_a_package_is_found(package: str, distribution: str | None) -> None:
    assert _distribution(package) == distribution
