from dataclasses import replace

from pipeline.report.graph_sections import graph_section, trend_section
from tests.fixtures.night_stories import change, empty_story, full_story, trend


def test_nights_are_listed_newest_first_and_tonight_is_marked() -> None:
    section = trend_section(full_story())
    assert section is not None
    rows = section.folded[0].rows
    assert rows[0][0].text == "2026-03-05 03:00 (tonight)"
    assert rows[0][1].text == "promoted, version 3"
    assert rows[3][1].text == "skipped"
    assert rows[3][2].text == "-"
    assert section.pictures[0].narrow is not None


def test_nights_without_a_score_make_a_table_and_no_picture() -> None:
    section = trend_section(replace(full_story(), trend=tuple(item for item in trend() if item.challenger is None)))
    assert section is not None
    assert section.pictures == ()
    assert len(section.folded[0].rows) == 2
    assert trend_section(empty_story()) is None


def test_the_graph_has_its_turnover_its_degrees_and_its_drift() -> None:
    section = graph_section(full_story())
    assert section is not None
    assert [cell.text for cell in section.tables[0].rows[1]] == ["edges", "14,197", "14,280", "120", "3", "40"]
    titles = [picture.title for picture in section.pictures]
    assert titles[0] == "Nodes by degree, tonight and before"
    assert len(titles) == 5
    assert "limit 0.3" in section.pictures[2].svg
    assert "again" not in section.sentences[0]


def test_events_that_name_a_pair_again_are_told_where_there_are_any() -> None:
    repeated = change().model_copy(update={"repeated_events": 1200})
    section = graph_section(replace(full_story(), change=repeated))
    assert section is not None
    assert section.sentences[0].endswith("1,200 events name a pair again and are no new edges.")


def test_a_first_snapshot_compares_nothing_and_one_night_makes_no_line() -> None:
    first = change().model_copy(update={"previous_as_of": None, "degree_counts": (), "gaining": ()})
    section = graph_section(replace(full_story(), change=first, trend=trend(1)))
    assert section is not None
    assert section.sentences[0].startswith("The first snapshot")
    assert section.pictures == ()
    assert section.folded == ()
