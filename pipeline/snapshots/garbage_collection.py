"""Garbage collection: it deletes bytes from the DVC remote that are no longer needed, while others publish.

It writes three entries into the journal, each a commit: `gc started` before any ref is read, `collected` with the tags
before the first object is deleted, and `gc ended`. A publication that read the journal before the start is refused at
its push, and uploads again. One that comes later waits. A collection that was killed is given up: see
`collection_watch`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pipeline.clock import elapsed_seconds
from pipeline.environment import whoami
from pipeline.errors import InvalidInput, OutsideTrouble, TamperedRecord
from pipeline.origin.data_repository import BRANCH
from pipeline.origin.git import GitClone, GitOrigin, attempts
from pipeline.snapshots import collection_watch
from pipeline.snapshots.collection_plan import EVERYTHING, Plan, Progress, References, make_plan, time_of
from pipeline.snapshots.collection_watch import CollectionWatch
from pipeline.snapshots.dvc_clone import DvcClone
from pipeline.snapshots.journal import Journal, append, fetched_journal, stage
from pipeline.snapshots.journal_entries import Collected, GcEnded, GcStarted
from pipeline.snapshots.remote_objects import RemoteObjects, StoredObject, batches
from pipeline.snapshots.retention import Policy


@dataclass
class _Work:
    """One collection under way.

    deadline: by `elapsed_seconds`. removed: what it has deleted. asking: whether a delete request has no answer yet.
    """

    plan_id: str
    policy: Policy
    started: GcStarted
    deadline: float
    progress: Progress
    removed: list[StoredObject] = field(default_factory=list)
    asking: bool = False


class Collector:
    """Collects garbage of one data repository. Tags stay: the history and later checks read their descriptions."""

    def __init__(self, origin: GitOrigin, cache: Path, clock: Callable[[], datetime]) -> None:
        self._origin = origin
        self._cache = cache
        self._clock = clock

    def plan(self, policy: Policy, references: References, progress: Progress) -> Plan:
        """Return what a collection would delete now.

        Raises:
            InvalidInput, OutsideTrouble, TamperedRecord: what must stay cannot be known for sure.
        """
        with self._opened() as (clone, remote):
            return make_plan(clone, remote, policy, references, at=self._clock(), progress=progress)

    def collect(
        self,
        plan_id: str,
        policy: Policy,
        references: References,
        *,
        reason: str,
        minutes: float,
        progress: Progress,
    ) -> tuple[Plan, GcEnded]:
        """Delete what a plan says, or nothing if the plan would differ by now; return the plan and how it ended.

        It waits for a collection that runs already.

        Raises:
            InvalidInput: the plan has changed, or what must stay cannot be known for sure. Nothing was deleted.
            OutsideTrouble: the minutes ran out, or the collection stood still and was given up.
            TamperedRecord: an object that had to stay is gone.
        """
        time_of(plan_id)
        started, deadline = self._start(reason, minutes)
        work = _Work(plan_id, policy, started, deadline, progress)
        try:
            with self._opened() as (clone, remote):
                plan = self._claim(clone, remote, work, references)
                self._remove(remote, plan, work)
                _expect_kept(remote, plan)
        except BaseException:
            # A delete request without an answer may still be carried out. Then only time ends the collection.
            if not work.asking:
                self._end(work, "stopped")
            raise
        return plan, self._end(work, "done")

    def _end(self, work: _Work, outcome: str) -> GcEnded:
        ended = GcEnded(
            id=work.started.id,
            objects=len(work.removed),
            bytes=sum(item.size for item in work.removed),
            outcome=outcome,
            at=self._clock(),
            who=whoami(),
        )
        append(self._origin, lambda _: ended)
        return ended

    def _start(self, reason: str, minutes: float) -> tuple[GcStarted, float]:
        """Enter the start, and return it with the deadline; that is counted from before others can see the start."""
        begun: list[float] = []

        def entry(journal: Journal) -> GcStarted | None:
            if journal.running:
                return None
            begun.append(elapsed_seconds())
            now = self._clock()
            until = now + timedelta(minutes=minutes)
            return GcStarted(id=uuid.uuid4().hex[:12], until=until, at=now, who=whoami(), reason=reason)

        watch = CollectionWatch(self._origin, self._clock)
        while (started := append(self._origin, entry)) is None:
            if not watch.over(fetched_journal(self._origin)):
                collection_watch.pause()
        return started, begun[-1] + minutes * 60

    @contextmanager
    def _opened(self) -> Iterator[tuple[GitClone, RemoteObjects]]:
        with self._origin.clone() as clone:
            clone.fetch_matching(*EVERYTHING)
            if f"refs/remotes/origin/{BRANCH}" not in clone.local_refs("refs/remotes/origin"):
                raise InvalidInput("The data repository is empty. Run `ncnc snapshots init` once to set it up.")
            clone.git("checkout", "--quiet", "--no-track", "-B", BRANCH, f"refs/remotes/origin/{BRANCH}")
            with DvcClone(clone.path, self._cache).objects() as remote:
                yield clone, remote

    def _claim(self, clone: GitClone, remote: RemoteObjects, work: _Work, references: References) -> Plan:
        """Write into the journal which tags' bytes will be deleted; a hold that was added meanwhile is respected."""
        for _ in attempts():
            clone.fetch_matching(*EVERYTHING)
            plan = make_plan(clone, remote, work.policy, references, at=time_of(work.plan_id), progress=work.progress)
            if plan.id != work.plan_id:
                raise InvalidInput(
                    f"What would be deleted is no longer what the plan {work.plan_id} said: by now "
                    f"{len(plan.collected)} tags and {len(plan.objects)} objects with {plan.policy}. Nothing was "
                    f"deleted. Run `ncnc snapshots gc --dry-run` again, and pass the same options with its plan."
                )
            _expect_running(work, Journal.of(clone))
            started = work.started
            entry = Collected(
                id=started.id,
                tags=plan.collected,
                policy=str(plan.policy),
                at=self._clock(),
                who=started.who,
                reason=started.reason,
            )
            if not plan.collected or clone.push(stage(clone, entry)):
                return plan
        raise AssertionError  # unreachable: attempts() ends by raising

    def _remove(self, remote: RemoteObjects, plan: Plan, work: _Work) -> None:
        for batch in batches(plan.objects):
            _expect_running(work, fetched_journal(self._origin))
            work.asking = True
            remote.remove(batch)
            work.asking = False
            work.removed += batch
            work.progress("deleting", len(work.removed), len(plan.objects))


def _expect_running(work: _Work, journal: Journal) -> None:
    """Stop in time, or once given up: from then on publishers rely on the objects that they find."""
    over = f"{len(work.removed)} objects are deleted. Run `ncnc snapshots gc --dry-run` for the rest"
    if work.started not in journal.running:
        raise OutsideTrouble(f"The garbage collection stood still for so long that it was given up; {over}.")
    if elapsed_seconds() >= work.deadline:
        raise OutsideTrouble(f"The garbage collection's time is over; {over}, and give it more --minutes.")


def _expect_kept(remote: RemoteObjects, plan: Plan) -> None:
    lost = sorted(plan.stays - {item.name for item in remote.stored()})
    if lost:
        raise TamperedRecord(
            f"{len(lost)} objects that had to stay are gone from the DVC remote (first: {lost[0]}). Another process "
            f"deletes objects there: find it, and restore them from backup."
        )
