from __future__ import annotations

from pathlib import Path

import pytest
from repository_pages import site_text


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("repository_pages.ROOT", tmp_path)
    for name in ("docs/decisions/README.md", "docs/gate.md", "docker/compose.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path / "SOURCE.md"


def turned(source: Path, text: str) -> str:
    source.write_text(f"# Title\n{text}")
    return site_text(source, source.parent / "docs" / "explanation" / "page.md")


def test_a_link_to_a_page_of_the_site_is_written_from_the_page(source: Path) -> None:
    assert turned(source, "[the gate](docs/gate.md#rules)") == "[the gate](../gate.md#rules)"
    assert turned(source, "[why](docs/decisions/)") == "[why](../decisions/README.md)"


def test_a_link_to_a_file_that_a_page_shows_leads_to_that_page(source: Path) -> None:
    (source.parent / "ARCHITECTURE.md").write_text("")
    (source.parent / "docs" / "explanation").mkdir(exist_ok=True)
    (source.parent / "docs" / "explanation" / "architecture.md").write_text("")
    assert turned(source, "[the map](ARCHITECTURE.md#floors)") == "[the map](architecture.md#floors)"


def test_a_link_to_another_file_keeps_its_words_alone(source: Path) -> None:
    assert turned(source, "[compose.yaml](docker/compose.yaml)") == "`compose.yaml`"


def test_a_link_to_a_file_that_is_gone_stays_one_and_so_fails_the_build(source: Path) -> None:
    assert turned(source, "[gone](docs/gone.md)") == "[gone](../gone.md)"


def test_an_address_and_a_place_on_the_same_page_stay(source: Path) -> None:
    for link in ("[there](https://example.org/a.md)", "[below](#below)"):
        assert turned(source, link) == link
