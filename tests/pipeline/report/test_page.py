"""The page as a browser gets it: complete, self-contained, escaped, and readable by a program too."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from pipeline.records.evaluation import EvaluationRecord
from pipeline.report.night_story import NightStory
from pipeline.report.page import facts, report_page
from tests.fixtures.night_stories import (
    MARKUP,
    empty_story,
    evaluation,
    full_story,
    kept_story,
    refused_story,
    skipped_story,
    warm_story,
)

ALL = ["decision", "metrics", "comparison", "trend", "staleness", "slices", "warm-and-cold", "activity", "importance",
       "training", "reliability", "graph", "sensitivity", "checks", "certificate", "cost", "lineage"]  # fmt: skip
VOID = {"meta", "br", "img", "link", "input"}


class Page(HTMLParser):
    """Collects what a page is made of, and whether its tags close as they opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def values(self, attribute: str) -> list[str]:
        return [value for _, name, value in self.attributes if name == attribute]


STORIES: dict[str, Callable[[], NightStory]] = {
    "full": full_story, "kept": kept_story, "refused": refused_story, "skipped": skipped_story, "empty": empty_story,
}  # fmt: skip


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """Every kind of night's page, each drawn once: a full one takes a second."""
    return {name: report_page(story()) for name, story in STORIES.items()}


@pytest.fixture(scope="module")
def full(pages: dict[str, str]) -> str:
    return pages["full"]


def anchors_of(text: str) -> list[str]:
    return [value for tag, name, value in Page(text).attributes if (tag, name) == ("section", "id")]


def test_a_full_night_has_every_section_in_the_order_of_who_reads_it(full: str) -> None:
    page = Page(full)
    assert page.open == []
    assert anchors_of(full) == ALL
    assert [value.removeprefix("#") for tag, name, value in page.attributes if (tag, name) == ("a", "href")] == ALL
    assert page.tags.count("h1") == 1
    assert page.tags.count("h2") == len(ALL)


@pytest.mark.parametrize("name", STORIES)
def test_a_page_needs_nothing_from_outside_and_is_small(pages: dict[str, str], name: str) -> None:
    text = pages[name]
    assert not re.search(r"https?://|//\w|@import|javascript:", text)
    page = Page(text)
    assert page.open == []
    assert {"script", "link", "iframe", "img", "object"} & set(page.tags) == set()
    assert [value for value in page.values("href") if not value.startswith("#")] == []
    assert re.findall(r"url\((?!#)", text) == []
    assert len(text.encode()) < 2_000_000


def test_the_same_night_gives_the_same_page(pages: dict[str, str]) -> None:
    assert pages["refused"] == report_page(refused_story())  # nothing of now, nothing of chance


def test_what_comes_from_outside_is_shown_and_never_run(pages: dict[str, str]) -> None:
    for text in (pages["full"], pages["refused"]):
        assert MARKUP not in text
        assert "&lt;script&gt;alert(" in text
    # The name of a node, the machine, the delivery, a rule's observation and the reason, each where it is shown.
    assert pages["full"].count("&lt;script&gt;") >= 5
    named = evaluation().challenger.model_copy(update={"name": MARKUP})
    with_name = evaluation().model_copy(update={"floor": (*evaluation().floor, named), "slices": (), "sensitivity": ()})
    alone = replace(empty_story(), evaluation=with_name)
    assert MARKUP not in report_page(alone)  # as a label inside a figure


def test_every_id_is_there_once_and_every_reference_has_its_id(full: str) -> None:
    page = Page(full)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {value.removeprefix("#") for value in page.values("href")} <= set(ids)
    assert set(re.findall(r"url\(#([^)]+)\)", full)) <= set(ids)
    assert set(page.values("aria-labelledby")) <= set(ids)


def test_figures_speak_and_take_their_colours_from_the_page(full: str) -> None:
    page = Page(full)
    assert page.tags.count("figure") == page.values("role").count("img") > 10
    assert all(page.values("aria-label"))
    drawings = "".join(re.findall(r"<svg.*?</svg>", full, flags=re.DOTALL))
    assert not re.search(r"#[0-9a-fA-F]{6}\b|#000\b|black", drawings)
    assert "var(--challenger)" in drawings
    assert ">epoch (★ the best, 20)</text>" in drawings  # letters, no outlines
    assert "prefers-color-scheme: dark" in full


def test_every_table_has_a_caption_and_its_headings(full: str) -> None:
    page = Page(full)
    assert page.tags.count("table") == page.tags.count("caption") > 8
    assert page.values("scope").count("col") > page.tags.count("table")
    assert page.values("tabindex") == ["0"] * page.tags.count("table")  # a box that scrolls is reached by keyboard


@pytest.mark.parametrize(
    ("name", "headline", "anchors"),
    [
        ("full", "Promoted: version 3 becomes the champion.", ALL),
        ("kept", "Kept: champion version 2 stays.", ALL),
        ("refused", "Refused: the delivery fails its checks.", ["decision", "checks", "trend"]),
        ("skipped", "Skipped: there was nothing to train", ["decision", "checks", "trend"]),
        ("empty", "Not finished: no step left a record.", ["decision"]),
    ],
)
def test_each_outcome_has_a_page_of_what_there_is(
    pages: dict[str, str], name: str, headline: str, anchors: list[str]
) -> None:
    assert headline in pages[name]
    assert anchors_of(pages[name]) == anchors


def test_a_report_of_an_evaluation_that_measured_less_is_made_all_the_same() -> None:
    bare = EvaluationRecord.model_validate(
        evaluation(champion=False).model_dump()
        | {"slices": (), "warm_and_cold": None, "sensitivity": (), "cold_control": None, "costs": ()}
        | {"feature_importance": (), "staleness": None}
    )
    story = replace(full_story(), evaluation=bare, change=None, trend=(), registered=None, params=None, checks=None)
    text = report_page(story)
    assert anchors_of(text) == [
        "decision", "metrics", "training", "reliability", "checks", "certificate", "cost", "lineage",
    ]  # fmt: skip
    assert "not made" in text


def test_what_could_not_be_read_is_said_at_the_top() -> None:
    text = report_page(replace(empty_story(), faults=("edge_split.json is not valid <b>",)))
    assert "Could not be read:</strong> edge_split.json is not valid &lt;b&gt;" in text


def test_an_alias_changed_without_the_ledger_is_said_at_the_top_with_what_to_do() -> None:
    text = report_page(replace(empty_story(), moved=warm_story().moved))
    top = text[: text.index('<dl class="facts">')]
    assert top.count("<strong>Changed in MLflow without the ledger:</strong>") == 2
    assert "champion of demo went from version 1 to version 2." in top
    assert "<code>ncnc rollback --graph demo --to 1 --reason ...</code>" in top
    assert "Changed in MLflow" not in report_page(empty_story())


def test_the_facts_name_the_night_its_snapshot_and_its_split() -> None:
    found = {name: cell.text for name, cell in facts(full_story())}
    assert found["snapshot"] == "cdcdcdcdcdcd"
    assert found["temporal split: train / valid / test"] == "11,000 / 1,400 / 257"
    assert facts(empty_story())[1][1].text == "-"


def test_the_facts_say_which_edges_came_back_and_how_many_negatives_were_an_edge() -> None:
    split = full_story().split
    assert split is not None
    changed = split.model_copy(update={"num_returning": 1234, "num_historical_negatives": 5000})
    found = {name: cell.text for name, cell in facts(replace(full_story(), split=changed))}
    counts = found["temporal split: train / valid / test"]
    assert counts.endswith("257; 1,234 more came back in the test window, and are not tested")
    assert found["historical negatives"] == "5,000 of the test's were an edge"
    assert "historical negatives" not in {name for name, _ in facts(full_story())}
