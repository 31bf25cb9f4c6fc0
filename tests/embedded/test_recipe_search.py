from __future__ import annotations

import io
from pathlib import Path

import pytest

from embedded.layout import Layout
from embedded.nights import Search
from embedded.processes import StackError
from embedded.recipe_search import search_recipe
from embedded.settings import Settings
from embedded.stack import Stack
from pipeline.terminal import Terminal

# What `ncnc tune` prints; the search itself is tested with tune.
TUNE = """#!/bin/sh
echo "$@" > "$NCNC_HOME/argv"
echo "trial 1 of 2: 0.5000, best 0.5000"
echo "some library's chatter"
echo "trial 2 of 2: pruned, best 0.5000"
echo '{"metric": "mrr", "baseline": 0.5, "best": 0.625, "params": {"training.epochs": 8, "model.dropout": 0.12345}}'
"""


def stack_with(program: str, folder: Path) -> Stack:
    layout = Layout(folder / "stack")
    layout.home.mkdir(parents=True)
    stack = Stack(layout, Settings("demo", "/p", "none", "/e", None, 18080, 15000), Terminal(file=io.StringIO()))
    (folder / "bin").mkdir()
    (folder / "bin" / "ncnc").write_text(program)
    (folder / "bin" / "ncnc").chmod(0o755)
    stack.environment |= {"PATH": f"{folder / 'bin'}:/usr/bin:/bin"}
    return stack


def test_what_was_found_is_returned_and_each_trial_is_told(tmp_path: Path) -> None:
    stack, console = stack_with(TUNE, tmp_path), Terminal(record=True, width=150, file=io.StringIO())
    found = search_recipe(Search(5, 2, 2, Path("/s.yaml")), Path("/runs/demo-2"), stack, console)
    assert found == {"training.epochs": 8, "model.dropout": 0.12345}
    argv = (stack.layout.home / "argv").read_text().split()
    assert argv == ["tune", "--run-dir", "/runs/demo-2", "--trials", "2", "--space", "/s.yaml"]
    told = console.export_text()
    assert "trial 2 of 2: pruned" in told
    assert "chatter" not in told
    assert "mrr 0.500 to 0.625 on validation: training.epochs 8, model.dropout 0.123" in told


def test_a_search_that_fails_is_named_with_its_log(tmp_path: Path) -> None:
    stack = stack_with("#!/bin/sh\necho no such run\nexit 2\n", tmp_path)
    with pytest.raises(StackError, match=r"(?s)tune ended with an error.*tune\.log.*no such run"):
        search_recipe(Search(5, 2, 2, Path("/s.yaml")), Path("/runs/demo-2"), stack, Terminal(file=io.StringIO()))
