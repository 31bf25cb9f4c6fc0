"""The nights' pages and the index as Chromium shows them: narrow and wide, light and dark, by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.report.needs import needs
from pipeline.report.night_rows import night_rows
from pipeline.report.nights_page import nights_page, nights_picture
from pipeline.report.page import report_page
from pipeline.report.pair_page import pair_page
from tests.fixtures.browser import Browser, Scheme, opened_browser
from tests.fixtures.night_stories import full_story, refused_story, warm_story
from tests.fixtures.page_faults import broken_links, too_pale, too_wide
from tests.fixtures.year_of_nights import GRAPH, a_year, agreeing
from tests.pipeline.report.test_pair_page import explained

STORIES = {"full": full_story, "warm": warm_story, "refused": refused_story}
PAGES = ("index", "year", "pair", *STORIES)
NUM_NIGHTS = 120  # more than are shown at first, with a rollback among them
SHOWN = "[...document.querySelectorAll('tbody tr')].filter((row) => !row.hidden)"
FOCUS = "document.activeElement.id || document.activeElement.textContent"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with opened_browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of reports: an index of a few months and one of a year, and a page for each night that they link to."""
    folder = tmp_path_factory.mktemp("reports")
    for name, story in STORIES.items():
        (folder / f"{name}.html").write_text(report_page(story()))
    (folder / "pair.html").write_text(pair_page("demo@champion", explained()))
    for name, count in (("index", NUM_NIGHTS), ("year", 365)):
        entries, figures = a_year(count)
        needed = needs(entries, figures, agreeing(entries), graph=GRAPH, at=entries[-1].at)
        rows = night_rows(entries, figures)
        text = nights_page(GRAPH, rows, needed, nights_picture(rows), lambda row: "full.html" if row.night else "")
        (folder / f"{name}.html").write_text(text)
    return folder


def address(folder: Path, name: str) -> str:
    return (folder / f"{name}.html").as_uri()


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_its_window(browser: Browser, folder: Path, name: str, width: int) -> None:
    browser.open(address(folder, name), width=width)
    assert too_wide(browser) == []
    assert browser.complaints() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "pair", "full", "warm", "refused"])
def test_every_text_stands_out_from_what_is_behind_it(
    browser: Browser, folder: Path, name: str, scheme: Scheme
) -> None:
    for width in (360, 1280):
        browser.open(address(folder, name), width=width, scheme=scheme)
        assert too_pale(browser) == []


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(browser: Browser, folder: Path, name: str) -> None:
    browser.open(address(folder, name))
    assert broken_links(browser) == []


def test_a_night_is_opened_from_the_index(browser: Browser, folder: Path) -> None:
    browser.open(address(folder, "index"))
    browser.call("Page.navigate", url=browser.ask("document.querySelector('tbody a').href"))
    browser.wait_for("document.title.includes('promoted') && document.readyState === 'complete'")


def test_the_index_shows_fifty_rows_until_it_is_asked_for_all(browser: Browser, folder: Path) -> None:
    browser.open(address(folder, "index"))
    assert browser.ask(f"{SHOWN}.length") == 50
    assert browser.ask("document.getElementById('more').textContent") == f"Show all {NUM_NIGHTS + 3} rows"
    browser.ask("document.getElementById('more').focus()")
    browser.press("Enter", text="\r")
    assert browser.ask(f"{SHOWN}.length") == NUM_NIGHTS + 3
    assert browser.ask("document.getElementById('more').hidden") is True


def test_rows_are_found_by_words_and_by_kind_with_the_keyboard_alone(browser: Browser, folder: Path) -> None:
    browser.open(address(folder, "index"))
    tab_to(browser, "words")
    browser.type("back SPAM")
    assert browser.ask("document.getElementById('count').value") == f"1 of {NUM_NIGHTS + 3} rows"
    assert browser.ask(f"{SHOWN}.map((row) => row.dataset.kind)") == ["rollback"]
    browser.ask("document.getElementById('words').value = ''")
    tab_to(browser, "kind")
    browser.type_key("p")  # as a reader goes to the first kind that begins so
    assert browser.ask("document.getElementById('kind').value") == "pinned"
    browser.press("ArrowDown")
    assert browser.ask("document.getElementById('kind').value") == "promoted"
    assert set(browser.ask(f"{SHOWN}.map((row) => row.dataset.kind)")) == {"promoted"}


@pytest.mark.parametrize("width", [360, 1280])
def test_a_heading_sorts_by_its_column_with_the_keyboard_alone(browser: Browser, folder: Path, width: int) -> None:
    browser.open(address(folder, "index"), width=width)
    tab_to(browser, "days old")
    ages = f"{SHOWN}.map((row) => row.cells[4].textContent)"
    browser.press("Enter", text="\r")
    oldest = [int(age) for age in browser.ask(ages)]
    assert oldest == sorted(oldest, reverse=True)
    assert oldest[0] == 41  # after a rollback, on the night before the next promotion
    assert browser.ask("document.querySelector('[aria-sort]').textContent") == "days old"
    browser.press("Enter", text="\r")
    assert [int(age) for age in browser.ask(ages)][:3] == [0, 0, 0]
    assert browser.ask("document.querySelector('[aria-sort]').getAttribute('aria-sort')") == "ascending"


def test_rows_without_a_value_come_last_either_way_and_nights_go_back_to_their_order(
    browser: Browser, folder: Path
) -> None:
    browser.open(address(folder, "index"))
    first = browser.ask(f"{SHOWN}[0].cells[0].textContent")
    browser.ask("document.getElementById('more').click()")
    click = "[...document.querySelectorAll('thead button')].find((b) => b.textContent.startsWith({0!r})).click()"
    last = f"{SHOWN}.at(-1).cells[7].textContent.trim()"
    for _ in range(2):
        browser.ask(click.format("difference"))
        assert browser.ask(last) == ""
    browser.ask(click.format("night"))
    assert browser.ask(f"{SHOWN}[0].cells[0].textContent") == first


def test_without_scripts_every_row_is_there(browser: Browser, folder: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(address(folder, "index"), width=360)
        assert browser.ask(f"{SHOWN}.length") == NUM_NIGHTS + 3
        assert browser.ask("document.getElementById('controls').getClientRects().length") == 0
        assert too_wide(browser) == []
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_what_a_page_may_not_do_is_seen(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "wrong.html"
    page.write_text(
        "<body style='background: #fff'><p style='color: #999'>pale</p><p style='width: 900px'>wide</p>"
        "<svg><text y='20' fill='#aaa'>drawn</text></svg><p style='font-size: 24px; color: #888'>large</p>"
        "<a href='gone.html'>gone</a> <a href='#nowhere'>nowhere</a> <a href='#here' id='here'>here</a>"
        "<script>missing()</script>"
    )
    browser.open(page.as_uri(), width=360)
    assert too_wide(browser) == ["the page is 908 px wide, its window 360 px"]
    assert [fault.partition(":")[0] for fault in too_pale(browser)] == ["P.", "text."]
    assert [link.rpartition("/")[2] for link in broken_links(browser)] == ["gone.html", "wrong.html#nowhere"]
    assert browser.complaints() == ["Uncaught"]


def tab_to(browser: Browser, wanted: str) -> None:
    """Press Tab until something has the focus."""
    for _ in range(40):
        browser.press("Tab")
        if str(browser.ask(FOCUS)).startswith(wanted):
            return
    raise AssertionError(f"{wanted} is not reached by the keyboard")
