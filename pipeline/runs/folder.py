"""A run's local cache: records and folders, each published by one atomic rename, fetched by digest where missing."""

from __future__ import annotations

import logging
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ncnc_core.whole_file import flush_folder, flush_names, write_whole
from pipeline.errors import InvalidInput, NewerFormat, TamperedRecord
from pipeline.params.params import Params
from pipeline.records.chain import GraphSnapshot
from pipeline.records.names import PARAMS_FILE, STAMP_FORMAT
from pipeline.records.record import Record

if TYPE_CHECKING:
    from pipeline.registry.model_registry import ModelRegistry

logger = logging.getLogger(__name__)
R = TypeVar("R", bound=Record)


class RunFolder:
    """What one run has done so far; the run's name is the folder's.

    Nothing here is the only copy. A record or folder that is missing, or damaged, is fetched from where it is kept.
    A record is written last, so that its presence means the step is done.
    """

    def __init__(self, path: Path, registry: ModelRegistry | None = None) -> None:
        self.path = path.absolute()
        self.name = self.path.name
        self.registry = registry

    @property
    def graph(self) -> str:
        """The graph of the run: its name up to the as-of stamp."""
        graph, _, stamp = self.name.rpartition("-")
        if not re.fullmatch(r"[a-z0-9_-]+", graph) or not stamp:
            raise InvalidInput(
                f"A run folder is named <graph>-<as of as YYYYMMDDTHHMMSSZ>, the graph in a-z, 0-9, _ and -; "
                f"this one is named {self.name!r}. "
                f"Pass --run-dir with such a name, for example runs/demo-20260101T000000Z."
            )
        return graph

    @property
    def as_of(self) -> datetime | None:
        """The time the run is named for; None where it is named by hand, as `dvc repro` does."""
        try:
            return datetime.strptime(self.name.rpartition("-")[2], STAMP_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            return None

    def mlflow_run(self) -> str | None:
        """Return the id of this run's MLflow run, where one was opened."""
        return self.registry.runs.find(self.graph, self.name) if self.registry else None

    def require_mlflow_run(self) -> str:
        """Return the id of this run's MLflow run.

        Raises:
            InvalidInput: the run has none yet.
        """
        run_id = self.mlflow_run()
        if run_id is None:
            raise InvalidInput(f"Run {self.name} has no MLflow run. Run `ncnc snapshot` for it first.")
        return run_id

    def has(self, kind: type[Record]) -> bool:
        """Return whether the run has a record, here or in MLflow."""
        return self.find(kind) is not None

    def find(self, kind: type[R]) -> R | None:
        """Return a record, fetched and kept where it was missing or damaged here; None if the run has none yet.

        Raises:
            TamperedRecord: it is damaged here and MLflow has none, or it is damaged in MLflow too.
        """

        def copy() -> R | None:
            run_id = self.mlflow_run()
            return self.registry.runs.get_record(run_id, kind) if run_id and self.registry else None

        return kind.kept(self.path, copy)

    def get(self, kind: type[R]) -> R:
        """Return a record that an earlier step must have left.

        Raises:
            InvalidInput: neither this folder nor MLflow has it.
            TamperedRecord: the record differs from its digest.
        """
        record = self.find(kind)
        if record is None:
            raise InvalidInput(
                f"Run {self.name} has no {kind.file_name}, here or in MLflow. Run the step before this one first."
            )
        return record

    def put(self, record: Record) -> None:
        """Keep a record here and as a copy in MLflow; MLflow first, so that a local record is never the only one."""
        run_id = self.mlflow_run()
        if run_id is not None and self.registry is not None:
            self.registry.runs.put_record(run_id, record)
        record.write(self.path)

    def freeze(self, params: Params) -> None:
        """Write the effective parameters into the run."""
        write_whole(self.path / PARAMS_FILE, params.to_yaml())

    def frozen_params(self) -> Params:
        """Return the parameters the run was started with, checked against the snapshot's digest of them.

        Raises:
            TamperedRecord: the file was changed after the run started.
            NewerFormat: a newer version wrote it, with parameters that this one does not know.
        """
        snapshot = self.get(GraphSnapshot)
        path = self.path / PARAMS_FILE
        # Not replaced by MLflow's copy where it differs: somebody who edits it believes that the run follows.
        if not path.is_file():
            run_id = self.mlflow_run()
            if run_id is None or self.registry is None:
                raise InvalidInput(f"Run {self.name} has no {PARAMS_FILE}. Run `ncnc snapshot` for it first.")
            self.registry.runs.fetch_file(run_id, path, PARAMS_FILE)
        observed = Params.sha256_of(path)
        if observed != snapshot.params_sha256:
            raise TamperedRecord(
                f"{PARAMS_FILE} of run {self.name} has digest {observed[:12]}, but the run was started with "
                f"{snapshot.params_sha256[:12]}. Delete it, and the one of the start is fetched again; or start a new "
                f"run with the new parameters."
            )
        try:
            return Params.load(path)
        except InvalidInput as error:  # the bytes are those of the start, so nobody misspelt anything
            raise NewerFormat(
                f"{PARAMS_FILE} of run {self.name} is unchanged, but this version does not know all of it. "
                f"{error} It was written by a newer version: upgrade this one."
            ) from error

    @contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """Give a private folder and publish it as `name` by one atomic rename when the block ends well.

        An earlier try that is still running writes to its own folder, and never mixes its files with this try's.
        """
        with self._private(name) as staged:
            yield staged
            flush_folder(staged)
            self._publish(staged, name)

    @contextmanager
    def _private(self, name: str) -> Iterator[Path]:
        staged = self.path / ".staging" / f"{name}-{uuid.uuid4().hex}"
        staged.mkdir(parents=True)
        try:
            yield staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)
            for old in staged.parent.glob("old-*"):
                shutil.rmtree(old, ignore_errors=True)

    def _publish(self, staged: Path, name: str) -> None:
        target = self.path / name
        if target.exists():
            # rename(2) replaces only an empty directory: move the old one away first, then delete it.
            target.rename(staged.with_name(f"old-{uuid.uuid4().hex}"))
        staged.rename(target)
        flush_names(self.path)

    def kept(self, name: str, check: Callable[[Path], None], fetch: Callable[[Path], object]) -> Path:
        """Return a folder that was checked, fetched where it is missing here or damaged.

        check: raises TamperedRecord where a file differs. fetch: fills an empty folder. What another try has put there
        meanwhile is not replaced where it is good: that try may be reading it.

        Raises:
            TamperedRecord: what was fetched differs too.
        """
        folder = self.path / name
        if folder.is_dir():
            try:
                check(folder)
            except TamperedRecord as error:
                found = str(error).partition(", but ")[0]  # without the remedy, which is this fetch
                logger.warning("%s is damaged on this machine, and is fetched again: %s", folder, found)
            else:
                return folder
        with self._private(name) as staged:
            fetch(staged)
            check(staged)
            flush_folder(staged)
            try:
                staged.rename(folder)  # fails where there is one
                flush_names(self.path)
            except OSError:
                if not folder.is_dir():
                    raise
                if not _passes(folder, check):
                    self._publish(staged, name)
        return folder


def _passes(folder: Path, check: Callable[[Path], None]) -> bool:
    try:
        check(folder)
    except TamperedRecord:
        return False
    return True
