from __future__ import annotations

import io
import os
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from embedded import as_caida
from embedded.as_caida import ARCHIVE, TRUNCATED, WEEK, AsCaida, dumps, find_archive, links
from embedded.nights import DemoError, edges_file
from pipeline.graphs.tables import CanonicalGraph
from pipeline.ingest.canonical_graph import build
from pipeline.params.params import Params
from pipeline.params.snapshot import SnapshotParams
from pipeline.sources.delivery import Delivery, RowCounts


def dump(links: list[tuple[int, int]]) -> bytes:
    """Return a dump as CAIDA publishes it: a header, and every link once from each side."""
    rows = [f"{a}\t{b}\t0" for a, b in links] + [f"{b}\t{a}\t0" for a, b in links]
    return ("# Directed graph\n# FromNodeId\tToNodeId\tRelationship\n" + "\n".join(rows) + "\n").encode()


def archive_of(path: Path, dates: list[datetime]) -> Path:
    """Write an archive with a small dump for every date."""
    with pa.output_stream(str(path), compression="zstd") as stream, tarfile.open(fileobj=stream, mode="w|") as tar:
        for number, date in enumerate(dates):
            content = dump([(9, 3), (3, 5), (5, 100 + number)])
            member = tarfile.TarInfo(f"as-caida/as-caida{date:%Y%m%d}.txt")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def needed() -> list[datetime]:
    demo = AsCaida(Path("unused"), 5)
    return [*demo.history, *(night.as_of for night in demo.nights)]


def test_a_week_is_delivered_with_every_link_once(tmp_path: Path) -> None:
    demo = AsCaida(archive_of(tmp_path / "a.tar.zst", [*needed(), datetime(2004, 1, 5, tzinfo=UTC)]), 5)
    demo.deliver(demo.nights[0].as_of, tmp_path)
    edges = pd.read_parquet(edges_file(tmp_path, demo.nights[0].as_of))
    assert edges.to_numpy().tolist() == [[3, 5], [3, 9], [5, 108]]


def test_an_archive_without_a_needed_week_is_refused(tmp_path: Path) -> None:
    demo = AsCaida(archive_of(tmp_path / "a.tar.zst", needed()[1:]), 5)
    with pytest.raises(DemoError, match=r"a\.tar\.zst has no dump of 2007-07-02. Fetch the whole archive again"):
        demo.deliver(demo.nights[0].as_of, tmp_path)


@pytest.mark.parametrize("nights", [5, 8, 11])
def test_the_truncated_week_must_be_refused_and_the_next_accepted(nights: int) -> None:
    expected = {night.as_of: night.expected for night in AsCaida(Path("unused"), nights).nights}
    assert [as_of for as_of, outcome in expected.items() if outcome == "refused"] == [TRUNCATED]
    assert expected[TRUNCATED + WEEK] == "decided"
    assert len(expected) == nights


@pytest.mark.parametrize("nights", [4, 12])
def test_nights_outside_the_series_are_refused(nights: int) -> None:
    with pytest.raises(DemoError, match=rf"5 to 11 nights.*not {nights}\. Try NIGHTS=8"):
        AsCaida(Path("unused"), nights)


def test_a_missing_archive_says_which_file_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCNC_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(as_caida, "REPOSITORY", tmp_path / "nowhere")
    with pytest.raises(DemoError, match=rf"no {ARCHIVE} in {tmp_path}.*set NCNC_DATA_DIR to that folder"):
        find_archive()
    (tmp_path / "as_caida").mkdir()
    (tmp_path / ARCHIVE).touch()
    assert find_archive() == tmp_path / ARCHIVE


def test_the_params_are_those_of_the_graph() -> None:
    demo = AsCaida(Path("unused"), 8)
    params = Params.load(demo.params).snapshot
    assert params.graph == demo.graph
    assert params.time_column is None
    assert params.feature_columns == ()


def test_the_real_weeks_hold_one_truncated_upload(tmp_path: Path) -> None:
    try:
        demo = AsCaida(find_archive(), 5)
    except DemoError as error:
        pytest.skip(str(error))
    sizes = {}
    for night in demo.nights:
        demo.deliver(night.as_of, tmp_path)
        sizes[f"{night.as_of:%Y-%m-%d}"] = len(pd.read_parquet(edges_file(tmp_path, night.as_of)))
    assert sizes["2007-09-17"] == 18203
    assert all(52_000 < size < 54_000 for date, size in sizes.items() if date != "2007-09-17")


def archive_or_skip() -> Path:
    """The real archive; without it the test is skipped, but fails in continuous integration, which must have it."""
    try:
        return find_archive()
    except DemoError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


def weekly(pairs: np.ndarray) -> Delivery:
    """A week's links as a source delivers them."""
    ids, codes = np.unique(pairs, return_inverse=True)
    low, high = codes.reshape(-1, 2).T
    return Delivery("as-caida", None, "0" * 64, ids, low, high, None, RowCounts(read=len(pairs)))


@pytest.mark.slow
def test_the_week_after_a_dip_has_few_fresh_links_where_a_plain_difference_finds_thousands() -> None:
    after_the_dip = datetime(2006, 11, 20, tzinfo=UTC)
    graph: CanonicalGraph | None = None
    before = change = None
    last: set[tuple[int, int]] = set()
    plain = 0
    for as_of, text in dumps(archive_or_skip()):
        pairs = links(text)
        change = build(
            weekly(pairs),
            SnapshotParams(),
            as_of=int(as_of.timestamp()),
            previous=graph,
            previous_as_of=None if before is None else int(before.timestamp()),
        )
        graph, before = change.graph, as_of
        if as_of >= after_the_dip - WEEK:
            tonight = set(map(tuple, pairs.tolist()))
            plain, last = len(tonight - last), tonight
        if as_of == after_the_dip:
            break
    assert before == after_the_dip
    assert change is not None
    assert plain == 9_632
    assert change.added < 1_000
    assert change.added + change.returned == plain


def test_model_and_training_are_chosen_for_each_week_and_validation_leaves_windows_before_it() -> None:
    demo = AsCaida(Path("unused"), 5)
    params = demo.recipe(demo.nights[0], {})
    assert (params.train.recipe, params.train.overrides()) == ("auto", ({}, {}))
    assert params.split.valid_fraction < 0.1
