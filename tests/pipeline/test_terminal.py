from __future__ import annotations

import io
import subprocess
import sys

import pytest
from rich.table import Table

from pipeline.terminal import TEXT_WIDTH, Terminal, for_messages, styled

HOSTILE = "a column named [/b] [red]x[/red] :smile: \x1b[31m\u202e"
SHOWN = r"a column named [/b] [red]x[/red] :smile: \x1b[31m\u202e"


def table() -> Table:
    found = Table(title=HOSTILE, caption=HOSTILE)
    found.add_column(HOSTILE)
    found.add_row(HOSTILE)
    found.add_row(styled((HOSTILE, "bold red")))
    return found


def test_text_is_shown_as_it_is_wherever_it_stands() -> None:
    terminal = Terminal(file=io.StringIO(), width=200)
    terminal.print(HOSTILE, table(), styled("said: ", (HOSTILE, "red")))
    written = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert written.count(SHOWN) == 7
    assert "\x1b" not in written


def test_only_our_own_styles_reach_a_terminal() -> None:
    terminal = Terminal(file=io.StringIO(), width=200, force_terminal=True, color_system="standard")
    with terminal.status(HOSTILE):
        terminal.print(styled(("good", "green"), HOSTILE))
    written = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[32mgood\x1b[0m" in written
    assert "\x1b[31m" not in written


def test_messages_go_to_standard_error_at_the_width_of_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = for_messages()
    assert terminal.width == TEXT_WIDTH
    terminal.print("x" * 150)
    assert capsys.readouterr().err == "x" * 150 + "\n"


def test_the_log_has_plain_entries_of_our_packages_alone() -> None:
    program = (
        "import logging; from pipeline.terminal import log_to_messages; log_to_messages('INFO');"
        "logging.getLogger('pipeline.here').info('two\\nlines\\x1b[31m'); logging.getLogger('mlflow').info('endpoints')"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stderr
    first, second = said.splitlines()
    assert first.endswith("INFO pipeline.here two")
    assert second == r"    lines\x1b[31m"  # indented: it begins no entry
