from dataclasses import replace

from pipeline.report.lineage_picture import chain, lineage_label, lineage_picture, tall_lineage_picture
from tests.fixtures.night_stories import full_story, snapshot, split


def test_the_chain_goes_from_the_sources_bytes_to_the_version() -> None:
    links = chain(full_story())
    assert [link.what for link in links] == [
        "source bytes", "snapshot", "split", "model", "evaluation", "decision", "version",
    ]  # fmt: skip
    assert links[0].digest == snapshot().source_sha256
    assert links[1].digest == snapshot().content_id
    assert links[2].digest == split().sha256
    assert (links[5].note, links[6].note) == ("promote", "3")


def test_both_pictures_show_every_link_with_its_short_digest() -> None:
    links = chain(full_story())
    for picture in (lineage_picture(links), tall_lineage_picture(links)):
        assert all(f">{link.what}</text>" in picture for link in links)
        assert all(f">{(link.digest or '')[:12]}</text>" in picture for link in links)
        assert "missing" not in picture
    assert "snapshot cdcdcdcdcdcd 14,280 edges" in lineage_label(links)


def test_what_was_not_made_is_drawn_as_missing() -> None:
    links = chain(replace(full_story(), decision=None, registered=None))
    assert lineage_picture(links).count(">not made</text>") == 2
    assert 'class="missing"' in tall_lineage_picture(links)
