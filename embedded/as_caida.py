"""Real weekly dumps of the Internet's autonomous systems in 2007; one is a truncated upload."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from embedded.layout import REPOSITORY
from embedded.nights import APPROVED, DemoError, Night, Search, edges_file
from pipeline.params.params import Params
from pipeline.training.search_space import Value

ARCHIVE = Path("as_caida") / "as-caida.tar.zst"
TRUNCATED = datetime(2007, 9, 17, tzinfo=UTC)  # 18,203 edges, 35 % of the week before
FIRST_NIGHT = datetime(2007, 8, 27, tzinfo=UTC)
MINIMUM_NIGHTS = 5  # up to the week after the truncated one
MAXIMUM_NIGHTS = 11  # the series ends on 2007-11-05
HISTORY_WEEKS = 8
WEEK = timedelta(weeks=1)


def find_archive() -> Path:
    """Return the archive from $NCNC_DATA_DIR or ../shared/data.

    Raises:
        DemoError: neither has it; the message says which file to put where.
    """
    folders = [Path(os.environ["NCNC_DATA_DIR"])] if os.environ.get("NCNC_DATA_DIR") else []
    folders.append(REPOSITORY.parent / "shared" / "data")
    for folder in folders:
        if (folder / ARCHIVE).is_file():
            return folder / ARCHIVE
    raise DemoError(
        f"There is no {ARCHIVE} in {' or '.join(map(str, folders))}. It holds the weekly dumps "
        f"as-caidaYYYYMMDD.txt of the CAIDA AS Relationships data set (SNAP: as-Caida). Put it into a folder as "
        f"{ARCHIVE} and set NCNC_DATA_DIR to that folder."
    )


@dataclass
class AsCaida:
    """Weekly full dumps; every week is one night."""

    archive: Path
    num_nights: int
    graph: str = "as_caida"
    params: Path = REPOSITORY / "embedded" / "as_caida_params.yaml"
    has_nodes: bool = False
    rollback_reason: str | None = None

    def __post_init__(self) -> None:
        if not MINIMUM_NIGHTS <= self.num_nights <= MAXIMUM_NIGHTS:
            raise DemoError(
                f"as_caida plays {MINIMUM_NIGHTS} to {MAXIMUM_NIGHTS} nights, so that the truncated week 2007-09-17 "
                f"and the week after it are among them, not {self.num_nights}. Try NIGHTS=8."
            )

    @property
    def nights(self) -> tuple[Night, ...]:
        """Consecutive weeks around the truncated one."""
        return tuple(self._night(number, FIRST_NIGHT + (number - 1) * WEEK) for number in range(1, self.num_nights + 1))

    @property
    def history(self) -> tuple[datetime, ...]:
        """The weeks before the first night, from which edges have a first-seen time."""
        return tuple(FIRST_NIGHT - back * WEEK for back in range(HISTORY_WEEKS, 0, -1))

    @property
    def search(self) -> Search | None:
        """None: the recipe was chosen before."""
        return None

    def recipe(self, night: Night, found: Mapping[str, Value]) -> Params:
        """Return the parameters, the same every week."""
        return Params.load(self.params)

    def deliver(self, as_of: datetime, folder: Path) -> None:
        """Write a week's links, each once: the dumps list both directions."""
        pairs = self._weeks[as_of]
        pd.DataFrame({"source": pairs[:, 0], "target": pairs[:, 1]}).to_parquet(edges_file(folder, as_of), index=False)

    def _night(self, number: int, as_of: datetime) -> Night:
        if as_of == TRUNCATED:
            return Night(number, as_of, "a real truncated upload", "refused")
        if as_of == TRUNCATED + WEEK:
            return Night(number, as_of, "the week after the truncated upload", "decided", APPROVED)
        return Night(number, as_of, "the weekly dump", "decided", APPROVED)

    @cached_property
    def _weeks(self) -> dict[datetime, np.ndarray[tuple[int, int], np.dtype[np.int64]]]:
        """The links of every week needed, as sorted unique pairs [links, 2], low id first."""
        wanted = {*self.history, *(night.as_of for night in self.nights)}
        weeks = {}
        for as_of, text in dumps(self.archive):
            if as_of in wanted:
                weeks[as_of] = links(text)
        if missing := sorted(wanted - weeks.keys()):
            raise DemoError(f"{self.archive} has no dump of {missing[0]:%Y-%m-%d}. Fetch the whole archive again.")
        return weeks


def links(text: bytes) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Return a dump's links as sorted unique pairs [links, 2], low id first; it lists both directions."""
    table = pd.read_csv(io.BytesIO(text), sep="\t", comment="#", header=None, usecols=[0, 1], dtype="int64")
    return np.unique(np.sort(table.to_numpy(), axis=1), axis=0)


def dumps(archive: Path) -> Iterator[tuple[datetime, bytes]]:
    """Stream the dumps of the archive, oldest first."""
    with pa.input_stream(str(archive), compression="zstd") as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is not None and member.name.endswith(".txt"):
                date = Path(member.name).stem.removeprefix("as-caida")
                yield datetime.strptime(date, "%Y%m%d").replace(tzinfo=UTC), file.read()
