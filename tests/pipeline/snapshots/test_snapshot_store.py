import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import boto3
import pytest

from pipeline.errors import InvalidInput, OutsideTrouble, TamperedRecord
from pipeline.origin.git import GitOrigin
from pipeline.snapshots.published import Publication
from pipeline.snapshots.snapshot_store import SnapshotStore
from tests.fixtures.local_services import s3_store
from tests.fixtures.publishing import FIRST, SOURCE, Place, read


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_published_snapshot_is_fetched_with_the_same_bytes(
    place: Place, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    publication = place.publish(1)
    assert capfd.readouterr().out == ""  # stdout belongs to the caller's one line
    assert publication.tag == "snap/demo/20260102T000000Z/111111111111"
    assert place.tags() == [publication.tag]
    fetched = SnapshotStore(str(place.origin), tmp_path / "other-home").fetch(publication.tag, tmp_path / "out")
    assert read(fetched) == read(tmp_path / "staged-demo")


def test_empty_folder_may_be_fetched_into_and_a_full_one_not(place: Place, tmp_path: Path) -> None:
    tag = place.publish(1).tag
    (tmp_path / "empty").mkdir()
    assert (place.store.fetch(tag, tmp_path / "empty") / "SHA256SUMS").is_file()
    with pytest.raises(InvalidInput, match=r"empty is not empty\. Name a folder"):
        place.store.fetch(tag, tmp_path / "empty")


def test_plain_git_and_dvc_give_the_same_bytes(place: Place, tmp_path: Path) -> None:
    tag = place.publish(1).tag
    place.publish(2, "later", previous=tag)
    plain = tmp_path / "plain"
    subprocess.run(["git", "clone", "--quiet", str(place.origin), str(plain)], check=True)
    command = [sys.executable, "-m", "dvc", "get", str(place.origin), "demo/data", "--rev", tag, "-o", "data"]
    subprocess.run(command, cwd=plain, check=True, capture_output=True, env={**os.environ, "DVC_NO_ANALYTICS": "1"})
    checked = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=plain / "data", capture_output=True, text=True, check=True
    )
    assert checked.stdout.splitlines() == ["edges/a.parquet: OK", "nodes.parquet: OK"]
    assert read(plain / "data")["edges/a.parquet"] == "edges"


def test_list_and_latest_know_what_was_published(place: Place) -> None:
    assert place.store.latest("demo") is None
    assert place.store.list("demo") == ()
    first = place.publish(1)
    second = place.publish(2, "more", previous=first.tag)
    place.publish(1, graph="other")
    found = place.store.list("demo")
    assert [item.tag for item in found] == [first.tag, second.tag]
    assert [item.previous_tag for item in found] == [None, first.tag]
    assert place.store.latest("demo") == found[1]
    assert found[1].as_of == FIRST + timedelta(days=2)
    assert (found[1].source_sha256, found[1].dvc_md5, found[1].manifest_sha256) == (
        SOURCE,
        second.dvc_md5,
        second.manifest_sha256,
    )
    assert place.store.latest("demo", before=found[1].as_of) == found[0]
    assert place.store.latest("demo", before=found[0].as_of) is None


def test_publishing_again_changes_nothing(place: Place) -> None:
    first = place.publish(1)
    assert place.publish(1) == first
    place.publish(2, "more", previous=first.tag)
    assert place.publish(1) == first  # also when newer ones have come
    assert len(place.tags()) == 2


def test_as_of_is_published_with_one_content_only(place: Place) -> None:
    place.publish(1)
    with pytest.raises(InvalidInput, match=r"published already with another content, as snap/demo.*later as-of"):
        place.store.publish(
            place.folder("other"), graph="demo", as_of=FIRST + timedelta(days=1), content_id="9" * 64,
            source_sha256=SOURCE, num_edges=1, previous_tag=None,
        )  # fmt: skip


def test_same_content_with_other_bytes_is_refused(place: Place) -> None:
    place.publish(1)
    with pytest.raises(InvalidInput, match=r"published already with other bytes.*requirements\.lock"):
        place.publish(1, "other")


def test_snapshot_built_on_an_overtaken_one_is_tried_again(place: Place) -> None:
    first = place.publish(1)
    place.publish(2, "more", previous=first.tag)
    with pytest.raises(OutsideTrouble, match=r"newest snapshot is snap/demo/20260103.*another publisher.*again"):
        place.publish(3, "late", previous=first.tag)
    assert len(place.tags()) == 2


def test_lost_push_race_is_run_again_on_the_new_main(place: Place) -> None:
    graphs = ["alpha", "beta", "gamma"]
    for graph in graphs:
        place.folder("edges", f"staged-{graph}")
    with ThreadPoolExecutor(3) as pool:
        published = list(pool.map(lambda graph: place.publish(1, graph=graph), graphs))
    assert sorted(place.tags()) == sorted(item.tag for item in published)
    with GitOrigin(str(place.origin), place.home).clone() as clone:
        clone.fetch_branch("main")
        assert sorted(path.parent.name for path in clone.path.glob("*/snapshot.json")) == graphs


def test_two_tries_of_one_night_publish_it_once(place: Place) -> None:
    folder = place.folder("edges")

    def publish(home: str) -> Publication:
        return SnapshotStore(str(place.origin), place.root / home).publish(
            folder,
            graph="demo",
            as_of=FIRST,
            content_id="1" * 64,
            source_sha256=SOURCE,
            num_edges=3,
            previous_tag=None,
        )

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(publish, ["zombie", "retry"])
    assert first == second
    assert place.tags() == [first.tag]


KINDS = ("edges/a.parquet", "nodes.parquet", "SHA256SUMS")


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_byte_in_the_remote_is_found_and_the_file_named(place: Place, tmp_path: Path, kind: str) -> None:
    tag = place.publish(1).tag
    place.flip(place.remote, kind)
    with pytest.raises(TamperedRecord, match=rf"{kind} of snap/demo.*from backup"):
        place.fresh().fetch(tag, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_flipped_byte_in_the_cache_is_fetched_again_from_the_remote(
    place: Place, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    tag = place.publish(1).tag
    place.flip(place.home / "dvc-cache", kind)
    assert read(place.store.fetch(tag, tmp_path / "out")) == read(tmp_path / "staged-demo")
    assert f"1 damaged objects were removed from the DVC cache; fetching again: {kind} of snap/demo" in caplog.text


def test_cache_object_that_was_cut_short_is_not_published(place: Place, tmp_path: Path) -> None:
    place.publish(1)
    shutil.rmtree(place.remote)  # so that DVC sends from the cache
    place.flip(place.home / "dvc-cache", KINDS[0])
    tag = place.publish(1, graph="other").tag
    assert read(place.fresh().fetch(tag, tmp_path / "out")) == read(tmp_path / "staged-other")


@pytest.mark.slow
def test_flipped_byte_in_a_bucket_is_found_and_the_file_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_store(tmp_path, "graphs") as access:
        for name, value in access.items():
            monkeypatch.setenv(name, value)
        place = Place(tmp_path, "s3://graphs/dvc")
        tag = place.publish(1).tag
        client = boto3.client("s3")
        keys = [item["Key"] for item in client.list_objects_v2(Bucket="graphs")["Contents"]]
        stored = {key: client.get_object(Bucket="graphs", Key=key)["Body"].read() for key in keys}
        for kind in (*KINDS, "file list"):
            good = (tmp_path / "staged-demo" / kind).read_bytes() if kind in KINDS else None
            key = next(key for key in keys if (stored[key] == good if good else key.endswith(".dir")))
            client.put_object(Bucket="graphs", Key=key, Body=bytes([stored[key][0] ^ 1]) + stored[key][1:])
            with pytest.raises(TamperedRecord, match=kind):
                place.fresh().fetch(tag, tmp_path / "out")
            assert not (tmp_path / "out").exists()
            client.put_object(Bucket="graphs", Key=key, Body=stored[key])
        assert place.fetched(tag) == read(tmp_path / "staged-demo")


def change_list(folder: Path) -> None:
    listing = next(folder.rglob("*.dir"))
    listing.chmod(0o644)
    listing.write_text(listing.read_text().replace("nodes", "modes"))


def test_changed_file_list_on_the_remote_is_found(place: Place, tmp_path: Path) -> None:
    publication = place.publish(1)
    change_list(place.remote)
    with pytest.raises(TamperedRecord, match=rf"file list {publication.dvc_md5}.*restore it on the DVC remote"):
        place.store.fetch(publication.tag, tmp_path / "out")


def test_changed_file_list_in_the_cache_and_a_file_behind_it_are_fetched_again(place: Place, tmp_path: Path) -> None:
    tag = place.publish(1).tag
    place.flip(place.home / "dvc-cache", KINDS[0])
    change_list(place.home / "dvc-cache")
    assert read(place.store.fetch(tag, tmp_path / "out")) == read(tmp_path / "staged-demo")


def test_snapshot_whose_bytes_the_remote_lost_is_not_published(place: Place, tmp_path: Path) -> None:
    tag = place.publish(1).tag
    place.flip(place.remote)
    # The old object stays: DVC sees its name there and sends nothing. Only reading back finds it.
    with pytest.raises(TamperedRecord, match=r"edges/a\.parquet of snap/demo/20260103"):
        place.publish(2, previous=tag)
    assert place.tags() == [tag]


def test_unreachable_remote_is_trouble_outside(place: Place, tmp_path: Path) -> None:
    tag = place.publish(1).tag
    shutil.rmtree(place.remote)
    fresh = SnapshotStore(str(place.origin), tmp_path / "other-home")
    with pytest.raises(OutsideTrouble, match=r"DVC failed.*Check that the DVC remote"):
        fresh.fetch(tag, tmp_path / "out")


def test_split_is_published_by_its_tag_alone(place: Place, tmp_path: Path) -> None:
    place.publish(1)
    main = GitOrigin(str(place.origin), place.home).refs("refs/heads/main")
    split = tmp_path / "split"
    split.mkdir()
    (split / "train.parquet").write_text("train")
    published = place.store.publish_split(split, graph="demo", as_of=FIRST, run_key="ab" * 32)
    assert published.tag == "split/demo/20260101T000000Z/abababababab"
    assert GitOrigin(str(place.origin), place.home).refs("refs/heads/main") == main
    assert place.store.publish_split(split, graph="demo", as_of=FIRST, run_key="ab" * 32) == published
    fetched = SnapshotStore(str(place.origin), tmp_path / "other-home").fetch(published.tag, tmp_path / "out")
    assert read(fetched)["train.parquet"] == "train"
    (split / "train.parquet").write_text("other")
    with pytest.raises(InvalidInput, match=r"published already with other bytes"):
        place.store.publish_split(split, graph="demo", as_of=FIRST, run_key="ab" * 32)


@pytest.mark.parametrize("tag", ["snap/demo/20260101T000000Z/abcabcabcabc", "main", "v1/x"])
def test_tag_that_is_not_published_is_named(place: Place, tmp_path: Path, tag: str) -> None:
    with pytest.raises(InvalidInput, match=rf"published as {tag}\. `ncnc snapshots list"):
        place.store.fetch(tag, tmp_path / "out")


def test_empty_origin_says_how_to_set_it_up(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "bare.git")], check=True)
    store = SnapshotStore(str(tmp_path / "bare.git"), tmp_path / "home")
    assert store.latest("demo") is None
    with pytest.raises(InvalidInput, match=r"data repository is empty\. Run `ncnc snapshots init`"):
        store.publish_split(tmp_path, graph="demo", as_of=FIRST, run_key="ab" * 32)
