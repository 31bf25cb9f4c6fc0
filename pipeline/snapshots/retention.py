"""Retention: which published snapshots and splits are kept, and why; a pure function."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import Field

from pipeline.records.part import Part
from pipeline.snapshots.published import SNAPSHOT_KIND


class Policy(Part):
    """What is kept by age and number. What a model refers to or someone holds is kept in any case."""

    keep_last: int = Field(default=30, ge=1)
    keep_days: float = Field(default=90, ge=0)
    grace_hours: float = Field(default=24, ge=0)

    def __str__(self) -> str:
        """Return the policy as the journal and the command line say it."""
        return f"keep-last {self.keep_last}, keep-days {self.keep_days:g}, grace-hours {self.grace_hours:g}"


@dataclass(frozen=True)
class Tagged:
    """A published tag.

    dvc_md5: the list of its files. previous_tag: what it was built on. collected: whether its bytes are gone.
    retracted: whether no night is built on it any more.
    """

    tag: str
    published_at: datetime
    dvc_md5: str
    previous_tag: str | None = None
    collected: bool = False
    retracted: bool = False

    @property
    def night(self) -> tuple[str, str]:
        """The graph and the as-of, which a snapshot and its splits have in common."""
        _, graph, as_of, *_ = self.tag.split("/")
        return graph, as_of

    @property
    def is_snapshot(self) -> bool:
        """Whether it is a snapshot rather than a split."""
        return self.tag.startswith(f"{SNAPSHOT_KIND}/")


def reasons_to_keep(
    tagged: Iterable[Tagged],
    policy: Policy,
    *,
    at: datetime,
    references: Mapping[str, str],
    holds: Mapping[str, str],
) -> dict[str, tuple[str, ...]]:
    """Return the reasons to keep each tag that is not collected yet; a tag without a reason may be collected.

    A snapshot and its splits are kept together: a reason for one of them is a reason for all. references, holds: the
    reason that each gives for a tag.
    """
    tagged = tuple(tagged)
    nights: dict[tuple[str, str], list[Tagged]] = defaultdict(list)
    for item in tagged:
        nights[item.night].append(item)
    newest_first: dict[str, list[str]] = defaultdict(list)
    for graph, as_of in sorted(
        {item.night for item in tagged if item.is_snapshot and not item.collected and not item.retracted}, reverse=True
    ):
        newest_first[graph].append(as_of)
    newest = {(graph, as_ofs[0]) for graph, as_ofs in newest_first.items()}
    published_at = _published_at(nights)
    # A night that is run again reads the snapshot that it was built on.
    below = {item.previous_tag: f"the newest, {item.tag}, was built on it" for item in tagged if item.night in newest}
    found: dict[str, tuple[str, ...]] = {}
    for (graph, as_of), items in nights.items():
        # None: retracted, or a split published after its snapshot was collected. Its age, a hold or a use can keep it.
        rank = newest_first[graph].index(as_of) + 1 if as_of in newest_first[graph] else None
        reasons = _of_night(items, policy, published_at[graph, as_of], at=at, rank=rank)
        for item in items:
            reasons += [said[item.tag] for said in (below, references, holds) if item.tag in said]
        found |= {item.tag: tuple(reasons) for item in items if not item.collected}
    return found


def _published_at(nights: Mapping[tuple[str, str], list[Tagged]]) -> dict[tuple[str, str], datetime]:
    """Return when anything of each night was last published.

    Snapshots of a graph are published in the order of their nights. So one whose publisher's clock was behind is no
    older than those before it. Splits come in any order.
    """
    found: dict[tuple[str, str], datetime] = {}
    reached: dict[str, datetime] = {}
    for graph, as_of in sorted(nights):
        items = nights[graph, as_of]
        before = [reached[graph]] if graph in reached else []
        found[graph, as_of] = max([item.published_at for item in items] + before)
        if snapshots := [item.published_at for item in items if item.is_snapshot] + before:
            reached[graph] = max(snapshots)
    return found


def _of_night(
    items: list[Tagged], policy: Policy, published_at: datetime, *, at: datetime, rank: int | None
) -> list[str]:
    reasons = []
    if not any(item.is_snapshot for item in items):
        reasons.append("the snapshot it was made from is not published")
    elif rank == 1:
        reasons.append("the newest of its graph")
    elif rank is not None and rank <= policy.keep_last:
        reasons.append(f"one of the last {policy.keep_last}")
    if at - published_at < timedelta(days=policy.keep_days):
        reasons.append(f"published {published_at:%Y-%m-%d %H:%M}, less than {policy.keep_days:g} days ago")
    return reasons
