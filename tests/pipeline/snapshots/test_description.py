import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.errors import InvalidInput, NewerFormat, OutsideTrouble, TamperedRecord
from pipeline.origin.git import GitClone, GitOrigin
from pipeline.records.manifest import write_manifest
from pipeline.snapshots.description import describe, expect_newest, expect_same
from pipeline.snapshots.published import PublishedSnapshot, snapshot_tag

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def snapshot(content: str = "a", night: int = 0, manifest: str = "c" * 64) -> PublishedSnapshot:
    as_of = AS_OF + timedelta(days=night)
    return PublishedSnapshot(
        graph="demo",
        tag=snapshot_tag("demo", as_of, content * 64),
        as_of=as_of,
        content_id=content * 64,
        source_sha256="b" * 64,
        num_edges=1,
        previous_tag=None,
        dvc_md5="d.dir",
        manifest_sha256=manifest,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[GitClone]:
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "origin.git")], check=True)
    with GitOrigin(str(tmp_path / "origin.git"), tmp_path / "home").clone() as clone:
        (clone.path / "demo").mkdir()
        yield clone


def put(clone: GitClone, text: str, tag: str) -> None:
    (clone.path / "demo" / "snapshot.json").write_text(text)
    clone.commit("Describe", "demo/snapshot.json")
    clone.git("tag", "--annotate", "--message", tag, tag)


@pytest.mark.parametrize("text", [snapshot().model_dump_json(indent=2), snapshot().as_written(indent=2)])
def test_tag_is_described_by_its_commit(clone: GitClone, text: str) -> None:  # as in 2026-11, and as today
    put(clone, text, snapshot().tag)
    assert describe(clone, "HEAD", snapshot().tag) == snapshot()


def test_description_changed_by_hand_is_found(clone: GitClone) -> None:
    put(clone, snapshot().model_dump_json().replace("num_edges", "edges"), snapshot().tag)
    with pytest.raises(
        TamperedRecord, match=r"demo/snapshot\.json at snap/demo.*not what this pipeline writes.*git log"
    ):
        describe(clone, "HEAD", snapshot().tag)


def test_description_of_a_newer_version_asks_for_an_upgrade(clone: GitClone) -> None:
    put(clone, snapshot().as_written(indent=2).replace('"format": 4', '"format": 5'), snapshot().tag)
    with pytest.raises(NewerFormat, match=r"demo/snapshot\.json at snap/demo.* in format 5.*upgrade this one"):
        describe(clone, "HEAD", snapshot().tag)


@pytest.mark.parametrize("previous", [snapshot(night=0).tag, None])
def test_first_snapshot_and_next_one_may_be_published(clone: GitClone, previous: str | None) -> None:
    if previous:
        put(clone, snapshot().model_dump_json(), previous)
    later = snapshot("e", night=1)
    expect_newest(clone, later.tag, later.as_of, previous)


def test_damaged_description_on_main_is_named(clone: GitClone) -> None:
    put(clone, "{}", snapshot().tag)
    with pytest.raises(TamperedRecord, match=r"demo/snapshot\.json on main is not what .*Field required.*git log"):
        expect_newest(clone, snapshot("e", night=1).tag, AS_OF, None)


def test_own_tag_on_main_is_left_to_the_push_to_find(clone: GitClone) -> None:
    put(clone, snapshot().model_dump_json(), snapshot().tag)
    expect_newest(clone, snapshot().tag, AS_OF, None)


def test_other_content_of_the_same_as_of_is_refused(clone: GitClone) -> None:
    put(clone, snapshot().model_dump_json(), snapshot().tag)
    with pytest.raises(InvalidInput, match=rf"another content, as {snapshot().tag}.*later as-of"):
        expect_newest(clone, snapshot("e").tag, AS_OF, None)


def test_overtaken_snapshot_is_built_again(clone: GitClone) -> None:
    put(clone, snapshot().model_dump_json(), snapshot().tag)
    later = snapshot("e", night=1)
    with pytest.raises(OutsideTrouble, match=r"built on None: another publisher came between\. Run the step again"):
        expect_newest(clone, later.tag, later.as_of, None)


def test_published_folder_is_known_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "nodes.parquet").write_text("nodes")
    published = snapshot(manifest=write_manifest(tmp_path))
    assert expect_same(published, tmp_path).tag == published.tag
    (tmp_path / "nodes.parquet").write_text("other")
    with pytest.raises(InvalidInput, match=r"published already with other bytes.*requirements\.lock"):
        expect_same(published, tmp_path)
