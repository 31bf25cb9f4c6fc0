from __future__ import annotations

from pipeline.records.evidence import Evidence
from pipeline.records.findings import LeakInvariant
from pipeline.records.shadow_evidence import as_challenger, counts, evidence_after, first_evidence
from tests.fixtures.gate_evaluations import warm_and_cold
from tests.fixtures.paired import paired
from tests.fixtures.shadow_nights import beside, told

BROKEN = (LeakInvariant(name="disjoint", checked=10, violations=1),)
NIGHT = paired(0.02, -0.01, 0.05, p_value=0.1)
BEFORE = Evidence().and_of(NIGHT)


def test_a_night_adds_what_was_not_counted_before_and_nothing_where_a_certificate_is_broken() -> None:
    shadow = beside(NIGHT, so_far=BEFORE)
    assert evidence_after(told(shadow), shadow) == BEFORE.and_of(NIGHT)
    assert evidence_after(told(shadow, changes={"certificate": BROKEN}), shadow) == BEFORE
    assert evidence_after(told(shadow, changes={"certificate": ()}), shadow) == BEFORE
    leaky = beside(NIGHT, so_far=BEFORE, certificate=BROKEN)
    assert evidence_after(told(leaky), leaky) == BEFORE
    assert counts(told(leaky))  # of the night's own model
    without = beside(None, so_far=BEFORE)
    assert evidence_after(told(without), without) == BEFORE


def test_a_models_first_evidence_is_of_its_own_night_on_the_edges_asked_for() -> None:
    assert first_evidence(told()) == Evidence().and_of(paired(0.05, 0.01, 0.09))
    warm = {"warm_and_cold": warm_and_cold(warm=150, difference=0.06)}
    assert first_evidence(told(edges="warm", changes=warm)).gain == 0.06
    assert first_evidence(told(edges="warm")) == Evidence()  # no warm edges were measured
    assert first_evidence(told(changes={"num_test_edges": 0})) == Evidence()  # figures to look at
    assert first_evidence(told(changes={"certificate": BROKEN})) == Evidence()


def test_the_gate_reads_the_shadow_as_if_it_were_the_challenger_with_both_certificates() -> None:
    shadow = beside(NIGHT, num_test_edges=321)
    read = as_challenger(told(shadow), shadow)
    assert (read.num_test_edges, read.challenger, read.paired) == (321, shadow.scores, shadow.paired)
    assert (read.over_floor, read.floor, read.slices) == (shadow.over_floor, shadow.floor, shadow.slices)
    assert [item.name for item in read.certificate] == ["disjoint", "fresh_edges_not_seen_by_shadow"]
