"""The digest chain: records come back equal, and what was changed afterwards is found."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import AwareDatetime, ValidationError

from pipeline.records.chain import (
    CHAIN,
    EdgeSplit,
    GraphSnapshot,
    LineageRecord,
    PromotionDecision,
    RegisteredModel,
    TrainedModel,
)
from pipeline.records.digests import FileDigest, sha256_of_file
from pipeline.records.evaluation import EvaluationRecord
from pipeline.records.findings import LeakInvariant, RuleVerdict
from pipeline.records.record import Record
from pipeline.records.scores import Interval, ModelScores

SHA = "0123456789abcdef" * 4
NIGHT = datetime(2026, 1, 2, tzinfo=UTC)
FILES = (FileDigest(path="weights.safetensors", sha256=SHA),)
CERTIFICATE = (LeakInvariant(name="train and test are disjoint", checked=100, violations=0),)
MRR = {"mrr": Interval(value=0.5, low=0.4, high=0.6)}
SNAPSHOT = GraphSnapshot(
    graph="demo", run_name="demo-20260102T000000Z", as_of=NIGHT, content_id=SHA, tag="snap/demo/20260102T000000Z/0123",
    dvc_md5="d41d8cd98f00b204e9800998ecf8427e.dir", manifest_sha256=SHA, source_sha256=SHA, previous_tag=None,
    previous_as_of=None, num_nodes=3, num_edges=2, num_features=0, added_edges=2, removed_edges=0, returned_edges=0,
    checks=(), params_sha256=SHA, code_version=SHA, git_commit=None, run_key=SHA,
)  # fmt: skip
SPLIT = EdgeSplit(
    snapshot_sha256=SNAPSHOT.sha256, method="temporal", reason="enough times", cut_train=NIGHT, cut_valid=NIGHT,
    num_train=80, num_valid=10, num_test=10, num_message_train=80, num_message_test=90, seed=0, files=FILES,
    tag="split/demo/20260102T000000Z/0123", certificate=CERTIFICATE,
)  # fmt: skip
TRAINED = TrainedModel(
    split_sha256=SPLIT.sha256, mlflow_run_id="run", files=FILES, epochs=3, best_epoch=2, selection_metric="mrr",
    best_value=0.5, num_parameters=7, seed=0, seconds=1.5, machine={"cpu": "some"},
)  # fmt: skip
REPORT = EvaluationRecord(
    trained_model_sha256=TRAINED.sha256, num_test_edges=10, num_seen_by_champion=0, num_negatives=500,
    challenger=ModelScores(name="challenger", metrics=MRR), champion=None, champion_note="none yet",
    floor=(ModelScores(name="adamic_adar", metrics=MRR),), paired_metric="mrr", paired=None,
    certificate=CERTIFICATE, snapshot_checks=(), seconds=0.1,
)  # fmt: skip
DECISION = PromotionDecision(
    report_sha256=REPORT.sha256, promote=True, cold_start=True, reason="cold start", champion_version=None,
    rules=(RuleVerdict(name="beats_floor", threshold="> 0.3", observed="0.5", passed=True),),
)  # fmt: skip
REGISTERED = RegisteredModel(
    decision_sha256=DECISION.sha256, name="demo", version=1, model_id="m-1", previous_version=None, run_key=SHA,
    files=FILES,
)  # fmt: skip
LINEAGE = LineageRecord(
    registered_model_sha256=REGISTERED.sha256, graph="demo", run_name=SNAPSHOT.run_name, snapshot_tag=SNAPSHOT.tag,
    content_id=SHA, code_version=SHA, records=(FileDigest(path="graph_snapshot.json", sha256=SNAPSHOT.sha256),),
)  # fmt: skip
RECORDS: tuple[Record, ...] = (SNAPSHOT, SPLIT, TRAINED, REPORT, DECISION, REGISTERED, LINEAGE)
every_record = pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)


@every_record
def test_a_record_comes_back_equal_with_its_digest(record: Record, tmp_path: Path) -> None:
    path = record.write(tmp_path / "run")
    again = type(record).read(tmp_path / "run")
    assert again == record
    assert again.sha256 == record.sha256 == sha256_of_file(path)


@every_record
def test_a_record_is_frozen_and_closed(record: Record) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(record, next(iter(type(record).model_fields)), "x")
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        type(record).model_validate(record.model_dump() | {"note": "x"})


@every_record
def test_writing_leaves_no_partial_file(record: Record, tmp_path: Path) -> None:
    record.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [record.file_name]


def test_a_plausible_change_gives_another_digest_so_that_the_child_no_longer_fits(tmp_path: Path) -> None:
    path = SNAPSHOT.write(tmp_path)
    path.write_text(path.read_text().replace('"num_edges": 2,', '"num_edges": 3,'))
    forged = GraphSnapshot.read(tmp_path)  # canonical and valid: alone, it cannot be told
    assert forged.sha256 != SPLIT.snapshot_sha256


def test_each_record_of_the_chain_names_its_parents_digest() -> None:
    assert tuple(type(record) for record in RECORDS) == CHAIN
    for parent, child in itertools.pairwise(RECORDS):
        assert parent.sha256 in child.to_json()


def test_the_chains_file_names_are_distinct() -> None:
    assert len({kind.file_name for kind in CHAIN}) == len(CHAIN) == 7


class Sample(Record):
    """One field of every kind that the records use."""

    file_name = "sample.json"

    as_of: AwareDatetime
    value: float
    missing: str | None
    files: tuple[FileDigest, ...]
    machine: dict[str, str]


def test_the_canonical_form_does_not_move_between_releases(tmp_path: Path) -> None:
    # An auditor recomputes these digests years later: where this fails, no old record can be verified any more.
    fields = (
        '  "as_of": "2026-01-02T00:00:00Z",\n  "value": 0.1,\n  "missing": null,\n  "files": [\n    {\n'
        '      "path": "weights.safetensors",\n      "sha256": "' + SHA + '"\n    }\n  ],\n'
        '  "machine": {\n    "cpu": "Zuse Z3 \u00e9"\n  }\n}\n'
    )
    sample = Sample(as_of=NIGHT, value=0.1, missing=None, files=FILES, machine={"cpu": "Zuse Z3 \u00e9"})
    assert sample.to_json() == '{\n  "format": 2,\n' + fields
    assert sample.sha256 == "db9791fe989f95c6e3f0aedb71e9bbfe1c8e2164b7f5f29fea5c962386c091e5"
    (tmp_path / "sample.json").write_text("{\n" + fields, encoding="utf-8")  # the format of 2026-11
    assert Sample.read(tmp_path).sha256 == "31587dc2407f9bacc75e7795349c5952c481d5b205e8f95dd8cd772e5c1f9d84"


def test_the_snapshot_id_is_the_first_twelve_digits() -> None:
    assert SNAPSHOT.snapshot_id == "0123456789ab"
