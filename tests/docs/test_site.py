"""A small site, built with the real configuration: whole it builds, and each planted fault is named."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHOLE = """# Page

[the section](#section), the class `LinkModel`, the key `decide.floor`, the file `ncnc_core/kernels/`, the module
`pipeline.errors`, and [another page](other.md).

## Section

```{eval-rst}
.. autoclass:: ncnc_core.link_model.LinkModel()
   :members: save

.. autoexception:: ncnc_core.errors.InvalidGraph()
```
"""
# What is planted, and what the build says of it.
FAULTS = {
    "[gone](gone.md)": "cross-reference target not found: 'gone.md'",
    "[gone](other.md#gone)": "gone",
    "![gone](gone.png)": "image file not readable: gone.png",
    "{py:class}`ncnc_core.link_model.GoneModel`": "reference target not found: ncnc_core.link_model.GoneModel",
    "`LinkModel.gone`": "LinkModel.gone names nothing",
    "`decide.gone`": "decide.gone names nothing",
    "`ncnc_core/gone.py`": "ncnc_core/gone.py names nothing",
    "`pipeline.errors.GoneError`": "pipeline.errors.GoneError names nothing",
    "```{eval-rst}\n.. autofunction:: ncnc_core.link_model.gone\n```": "'gone'",
    "```{settings} pipeline.params.params.GoneParams\n```": "GoneParams",
    "```{repository-page} GONE.md\n```": "GONE.md",
}


def built(folder: Path, builder: str = "dummy") -> subprocess.CompletedProcess[str]:
    """Build the pages of a folder, strictly."""
    argv = ("-b", builder, "-W", "-n", "--keep-going", "-q", "-c", str(ROOT / "docs"), str(folder), str(folder / "out"))
    return subprocess.run([sys.executable, "-m", "sphinx", *argv], capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_a_page_whose_links_and_names_hold_builds_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text(WHOLE)
    (tmp_path / "other.md").write_text("---\norphan: true\n---\n\n# Other\n")
    ran = built(tmp_path, "html")
    assert ran.returncode == 0, ran.stderr
    page = (tmp_path / "out" / "index.html").read_text()
    assert re.findall(r'<link [^>]*href="[^"]+\.css', page)
    assert not re.findall(r'<(?:script|link|img|iframe) [^>]*(?:src|href)="(?:https?:)?//[^"]*"', page)
    styles = "".join(file.read_text() for file in (tmp_path / "out" / "_static").rglob("*.css"))
    assert not re.findall(r"""(?:@import|url\()\s*["']?(?:https?:)?//[^)"']*""", styles)


def test_the_command_line_shows_every_option_and_what_stands_between_angle_brackets(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text("# Command line\n\n```{command-line}\n```\n")
    ran = built(tmp_path, "text")
    assert ran.returncode == 0, ran.stderr
    text = (tmp_path / "out" / "index.txt").read_text()
    assert "ncnc snapshots get" in text
    assert "--living" in text
    assert "named <graph>-<as of>" in text  # and not taken for a tag of HTML


def test_a_link_or_a_name_that_is_gone_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text(WHOLE + "\n" + "\n\n".join(FAULTS) + "\n")
    (tmp_path / "other.md").write_text("---\norphan: true\n---\n\n# Other\n")
    ran = built(tmp_path)
    assert ran.returncode != 0
    for planted, said in FAULTS.items():
        assert said in ran.stderr, f"{planted} went unseen:\n{ran.stderr}"


@pytest.mark.slow
def test_a_page_that_no_menu_leads_to_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text(WHOLE.replace("(other.md)", "(#section)"))
    (tmp_path / "lost.md").write_text("# Lost\n")
    ran = built(tmp_path)
    assert ran.returncode != 0
    assert "isn't included in any toctree" in ran.stderr
