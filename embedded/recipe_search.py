"""A search for a better recipe on an earlier night's run."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from embedded.nights import Search
from embedded.stack import Stack
from pipeline.terminal import Terminal, styled
from pipeline.training.search_space import Value


def search_recipe(search: Search, run_dir: Path, stack: Stack, console: Terminal) -> Mapping[str, Value]:
    """Run `ncnc tune`, say each trial as it ends, and return the values that were found.

    Raises:
        StackError: the search ended with an error; the message has its log.
    """

    def say_trial(line: str) -> None:
        if line.startswith("trial "):
            console.print(f"  {line}")

    started = time.monotonic()
    console.print(
        styled(
            ("by day", "bold"),
            f" ncnc tune searches for a better recipe on night {search.on}: {search.trials} trials",
        )
    )
    argv = ["ncnc", "tune", "--run-dir", str(run_dir), "--trials", str(search.trials), "--space", str(search.space)]
    with console.status("searching"):
        stack.processes.run("tune", argv, stack.environment, on_line=say_trial)
    line = json.loads((stack.layout.logs / "tune.log").read_text().splitlines()[-1])
    found: dict[str, Value] = line["params"]
    told = ", ".join(f"{name} {_rounded(value)}" for name, value in found.items())
    console.print(f"  {line['metric']} {line['baseline']:.3f} to {line['best']:.3f} on validation: {told}")
    console.print(f"  the search ended after {time.monotonic() - started:.0f} s")
    return found


def _rounded(value: Value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
