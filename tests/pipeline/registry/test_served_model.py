"""The served model where it will be used: in another folder, by a Python that cannot import the project."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
from mlflow.entities import LoggedModel, LoggedModelStatus
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel, load_model
from mlflow.pyfunc.scoring_server import invocations

from ncnc_core.errors import InvalidGraph
from ncnc_core.evaluation.score_calibration import ScoreCalibration
from ncnc_core.link_model import LinkModel
from pipeline.records.names import MODEL_PATH
from pipeline.registry.model_package import pack_model
from pipeline.registry.model_registry import ModelRegistry
from pipeline.registry.served_model import ServedModel
from tests.fixtures.local_services import free_port, running
from tests.fixtures.registered_model import register

LARGE = 2**53 + 1  # the first whole number that no floating-point number is
STRANGER = """
import importlib.util, json, sys
site_packages, tracking_uri, questions = sys.argv[1:]
sys.path.append(site_packages)  # no .pth file is read, so the editable install of the project is not found
assert importlib.util.find_spec("pipeline") is None
assert importlib.util.find_spec("ncnc_core") is None

import mlflow, pandas
mlflow.set_tracking_uri(tracking_uri)
answers = []
for name, pairs, unknown in json.loads(questions):
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    scores = model.predict(pandas.DataFrame(pairs))
    try:
        model.predict(pandas.DataFrame(unknown))
    except ValueError as error:
        refusal = f"{[kind.__name__ for kind in type(error).__mro__]}: {error}"
    answers.append({"columns": list(scores), "rows": scores.values.tolist(), "refusal": refusal})
assert importlib.util.find_spec("pipeline") is None
print(json.dumps(answers))
"""


def question(graph: str, ids: Sequence[object], unknown: object) -> list[object]:
    pairs = {"source": [ids[0], ids[1], ids[2]], "target": [ids[2], ids[3], ids[0]]}
    return [graph, pairs, {"source": [ids[0]], "target": [unknown]}]


@pytest.mark.slow
def test_champion_predicts_where_the_project_is_not_importable(
    tracking_uri: str, graph: str, tmp_path: Path, make_model: Callable[..., Path]
) -> None:
    registry = ModelRegistry(tracking_uri)
    numbers, names = [10, 20, 30, 40], ["anna", "bert", "carl", "dora"]
    questions = [question(f"{graph}-int", numbers, 99), question(f"{graph}-str", names, "zoe")]
    expected = []
    for (name, pairs, _), ids in zip(questions, (numbers, names), strict=True):
        folder = make_model(ids)
        register(registry, str(name), folder)
        expected.append(LinkModel.load(folder).score_ids(pairs["source"], pairs["target"]).tolist())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "stranger.py").write_text(STRANGER)
    site_packages = sysconfig.get_paths()["purelib"]
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "stranger.py", site_packages, tracking_uri, json.dumps(questions)],
        cwd=elsewhere,
        env=os.environ | {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    answers = json.loads(answer.stdout.splitlines()[-1])
    for found, (_, pairs, _), scores in zip(answers, questions, expected, strict=True):
        assert found["columns"] == ["source", "target", "score"]
        assert [row[:2] for row in found["rows"]] == [list(pair) for pair in zip(*pairs.values(), strict=True)]
        assert [row[2] for row in found["rows"]] == pytest.approx(scores)
    assert "'MlflowException', 'InvalidGraph', 'ValueError'" in answers[0]["refusal"]
    assert "99" in answers[0]["refusal"]
    assert "zoe" in answers[1]["refusal"]


def test_missing_column_says_which_and_what_to_pass(make_model: Callable[..., Path]) -> None:
    served = ServedModel()
    served._model = LinkModel.load(make_model())
    with pytest.raises(InvalidGraph, match=r"no column 'target', only \['source'\]\. Pass a DataFrame"):
        served.predict(None, pd.DataFrame({"source": [1]}))


@pytest.fixture(scope="module")
def packed(make_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a packed model with features, as the registry stores one."""
    folder = make_model([10, 20, 30, 40, 50], num_features=2, calibration=ScoreCalibration(2.0, -0.5))
    path = tmp_path_factory.mktemp("packed") / "model"
    logged = LoggedModel("1", "m-1", "link_model", "file:///unused", 0, 0, status=LoggedModelStatus.PENDING)
    pack_model(folder, path, logged=logged, input_example=pd.DataFrame({"source": [10, 20], "target": [40, 30]}))
    return path


TEXT_IDS = ["007", "7", "anna", "bert", "carl"]
BOTH = pytest.mark.parametrize("ids", [[10, 20, 30, 40, LARGE], TEXT_IDS], ids=["integers", "text"], indirect=True)


@pytest.fixture(scope="module")
def ids(request: pytest.FixtureRequest) -> list[Any]:
    return list(request.param)


@pytest.fixture(scope="module")
def loaded(ids: list[Any], make_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> PyFuncModel:
    """A model with features, as MLflow loads it to serve it."""
    path = tmp_path_factory.mktemp("forms") / "model"
    logged = LoggedModel("1", "m-1", "link_model", "file:///unused", 0, 0, status=LoggedModelStatus.PENDING)
    example = pd.DataFrame({"source": ids[:2], "target": ids[2:4]})
    pack_model(make_model(ids, num_features=2), path, logged=logged, input_example=example)
    return load_model(str(path))


def served(model: PyFuncModel, body: object, kind: str = "application/json") -> list[dict[str, Any]]:
    """Answer a request as MLflow's server does, without HTTP."""
    said = body if isinstance(body, str) else json.dumps(body)
    answer = invocations(said, kind, model, model.metadata.get_input_schema())
    assert answer.status == 200
    rows: list[dict[str, Any]] = json.loads(answer.response)["predictions"]
    return rows


@BOTH
def test_every_form_of_a_request_is_answered_and_a_null_id_has_a_null_score(
    loaded: PyFuncModel, ids: list[Any]
) -> None:
    pairs, params = [[ids[4], ids[2]], [None, ids[1]]], {"unscored": "null"}
    rows = [{"source": source, "target": target} for source, target in pairs]
    columns = {"source": [ids[4], None], "target": [ids[2], ids[1]]}
    score = float(loaded.predict(pd.DataFrame(rows[:1], dtype=object))["score"].iloc[0])
    for form in ({"inputs": columns}, {"inputs": rows}, {"instances": rows}):
        found = served(loaded, {**form, "params": params})
        assert [row["source"] for row in found][:1] == ids[4:5]
        assert found[0]["score"] == pytest.approx(score)
        assert found[1]["score"] is None
    if isinstance(ids[0], int):  # a table of JSON rounds large numbers beside a null: refused, never another node
        found = served(loaded, {"dataframe_records": rows, "params": params})
        assert "came as the floating-point number 9007199254740992.0" in found[0]["reason"]
        pairs[0][0] = str(ids[4])
    for form in ({"dataframe_split": {"columns": ["source", "target"], "data": pairs}}, {"dataframe_records": rows}):
        rows[0]["source"] = pairs[0][0]
        found = served(loaded, {**form, "params": params})
        assert found[0]["score"] == pytest.approx(score)
        assert (found[0]["source"], found[1]["score"]) == (ids[4], None)
        assert found[1]["reason"] == "the source is missing"
    found = served(loaded, f"source,target\n{ids[4]},{ids[2]}\n{ids[0]},{ids[1]}\n", "text/csv")
    assert (found[0]["source"], found[1]["source"]) == (ids[4], ids[0])
    assert found[0]["score"] == pytest.approx(score)


@BOTH
def test_a_new_nodes_features_come_in_every_form(loaded: PyFuncModel, ids: list[Any]) -> None:
    new, old = ("99" if isinstance(ids[0], str) else 99), ids[0]
    row = {"source": new, "target": old, "source_features": [0.5, 0.25]}
    forms: list[dict[str, object]] = [
        {"dataframe_records": [row]},
        {"inputs": {name: [value] for name, value in row.items()}},
        {"instances": [row]},
    ]
    scores = [served(loaded, form)[0]["score"] for form in forms]
    scores.append(served(loaded, f'source,target,source_features\n{new},{old},"[0.5, 0.25]"\n', "text/csv")[0]["score"])
    assert scores == pytest.approx([scores[0]] * 4)


@BOTH
def test_neighbours_of_an_explained_pair_are_named_by_their_ids(loaded: PyFuncModel, ids: list[Any]) -> None:
    pairs = [{"source": one, "target": other} for one, other in itertools.combinations(ids, 2)]
    rows = served(loaded, {"inputs": pairs, "params": {"task": "explain"}})
    named = {row["node"] for row in rows if row["role"] not in ("pair", "base")}
    assert named
    assert named <= set(ids)  # 2**53 + 1 as a floating-point number is another node
    assert {type(one) for one in named} == {type(ids[0])}
    assert {row["node"] for row in rows if row["role"] in ("pair", "base")} == {None}


@BOTH
def test_what_is_refused_is_told_in_the_message(loaded: PyFuncModel, ids: list[Any]) -> None:
    with pytest.raises(MlflowException, match="row 0, counted from 0: source and target are the same") as refused:
        served(loaded, {"inputs": {"source": ids[:1], "target": ids[:1]}})
    assert refused.value.get_http_status_code() == 400


def invoke(port: int, columns: dict[str, list[Any]], **params: object) -> tuple[int, Any]:
    """Ask a model server; return the status and the answer."""
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    body = {"dataframe_split": {"columns": list(columns), "data": rows}, "params": params}
    answer = requests.post(f"http://127.0.0.1:{port}/invocations", json=body, timeout=60)
    return answer.status_code, answer.json()


@pytest.mark.slow
def test_mlflow_serves_scores_partners_and_reasons(packed: Path, tmp_path: Path) -> None:
    port = free_port()
    argv = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(packed), "--port", str(port)]
    # MLflow starts `uvicorn` by its bare name, which an interpreter that is called by its path does not bring along.
    search_path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": search_path}
    with running([*argv, "--host", "127.0.0.1", "--env-manager", "local"], tmp_path / "serve.log", port, environment):
        pairs = {"source": [10, 20], "target": [40, 50]}
        model = LinkModel.load(packed / MODEL_PATH)
        expected = model.score_ids(pairs["source"], pairs["target"])
        status, answer = invoke(port, pairs, probability=True, prior=0.1)
        assert status == 200
        rows = answer["predictions"]
        assert [row["score"] for row in rows] == pytest.approx(expected.tolist(), abs=1e-5)
        chances = model.calibration.probability(expected, 0.1)  # type: ignore[union-attr]
        assert [row["probability"] for row in rows] == pytest.approx(chances.tolist(), abs=1e-5)

        rows = invoke(port, {"source": [10]}, task="recommend", k=2)[1]["predictions"]
        assert [row["target"] for row in rows] == [row.target for row in model.recommend(10, 2)]

        rows = invoke(port, {"source": [10], "target": [40]}, task="explain")[1]["predictions"]
        assert sum(row["contribution"] for row in rows) == pytest.approx(expected[0].item(), abs=1e-3)

        new = {"source": [99], "target": [10], "source_features": [[0.5, 0.25]]}
        grown = model.updated(new_nodes=[99], features=[[0.5, 0.25]])
        assert invoke(port, new)[1]["predictions"][0]["score"] == pytest.approx(
            grown.score_ids([99], [10]).item(), abs=1e-5
        )

        status, answer = invoke(port, {"source": [10, 20], "target": [40, 20]})
        assert status == 400
        assert "row 1, counted from 0: source and target are the same node 20" in answer["message"]
        assert "stack_trace" not in answer
        rows = invoke(port, {"source": [10, 20], "target": [40, 20]}, unscored="null")[1]["predictions"]
        assert [row["reason"] for row in rows] == ["", "source and target are the same node 20"]
        assert rows[1]["score"] is None


@pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None, reason="pyspark is not installed: pip install '.[spark]'"
)
@pytest.mark.slow
def test_as_a_spark_udf_it_gives_the_scores_of_pandas(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.pyfunc import load_model, spark_udf
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import struct

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)  # else the executors take whatever `python3` is on the PATH
    pairs = pd.DataFrame({"source": [10, 20, 30] * 40, "target": [40, 50, 10] * 40})
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        score = spark_udf(session, str(packed), env_manager="local")
        chance = spark_udf(
            session, str(packed), env_manager="local", result_type="probability float", params={"probability": True}
        )
        ends = struct("source", "target")
        found = session.createDataFrame(pairs).select("*", score(ends).alias("row"), chance(ends).alias("chance"))
        answer = found.select("source", "target", "row.score", "chance.probability").toPandas()
    finally:
        session.stop()
    expected = load_model(str(packed)).predict(pairs, params={"probability": True})
    assert answer.sort_values(["source", "target"])["score"].tolist() == pytest.approx(
        expected.sort_values(["source", "target"])["score"].tolist(), abs=1e-5
    )
    assert answer.sort_values(["source", "target"])["probability"].tolist() == pytest.approx(
        expected.sort_values(["source", "target"])["probability"].tolist(), abs=1e-5
    )
