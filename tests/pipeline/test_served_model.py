"""The served model where it will be used: in another folder, by a Python that cannot import the project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from ncnc_core.errors import InvalidGraph
from ncnc_core.link_model import LinkModel
from pipeline.model_registry import ModelRegistry, version_tags
from pipeline.records import digests_of_folder
from pipeline.served_model import ServedModel

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)

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
        refusal = f"{type(error).__module__}.{type(error).__name__}: {error}"
    answers.append({"columns": list(scores), "rows": scores.values.tolist(), "refusal": refusal})
assert importlib.util.find_spec("pipeline") is None
print(json.dumps(answers))
"""


def serve(registry: ModelRegistry, graph: str, folder: Path, example: pd.DataFrame) -> None:
    run_name = f"{graph}-20260102T000000Z"
    run_id = registry.open_run(graph, run_name, run_key="3" * 64, params={})
    model_id = registry.log_model(run_id, folder, input_example=example)
    files = digests_of_folder(folder)
    tags = version_tags(run_key="3" * 64, run_name=run_name, as_of=AS_OF, snapshot_tag="snap/x", files=files)
    version = registry.create_version(graph, run_id, model_id, tags)
    registry._client.set_registered_model_alias(graph, "champion", str(version))


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
        serve(registry, str(name), folder, pd.DataFrame(pairs))
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
    assert answers[0]["refusal"].startswith("ncnc_core.errors.InvalidGraph: ")
    assert "99" in answers[0]["refusal"]
    assert "zoe" in answers[1]["refusal"]


def test_missing_column_says_which_and_what_to_pass() -> None:
    with pytest.raises(InvalidGraph, match=r"no column 'target', only \['source'\]\. Pass a DataFrame"):
        ServedModel().predict(None, pd.DataFrame({"source": [1]}))
