"""A registered version's model and split, fetched once a run into its folder and verified by digest at each use."""

from __future__ import annotations

import logging
from pathlib import Path

from pipeline.doors import Doors
from pipeline.errors import InvalidInput, NewerFormat, TamperedRecord
from pipeline.records.digests import expect_files, folder_digest, sha256_of_file
from pipeline.records.manifest import MANIFEST, verify_manifest
from pipeline.registry.facts import ModelVersion
from pipeline.runs.folder import RunFolder
from pipeline.snapshots.published import split_tag
from pipeline.splits.arrays import SplitArrays

logger = logging.getLogger(__name__)


def version_model(folder: RunFolder, version: ModelVersion, doors: Doors) -> Path:
    """Return the folder of a version's model.

    Raises:
        TamperedRecord: a file in MLflow differs from what was trained.
    """
    name = f"version-{version.version}-{folder_digest(version.files)[:12]}"
    return folder.kept(
        name,
        check=lambda found: expect_files(found, version.files, f"{name} of run {folder.name}"),
        fetch=lambda staged: doors.registry.models.fetch(version, staged),
    )


def version_split(folder: RunFolder, version: ModelVersion, doors: Doors) -> SplitArrays | None:
    """Return the split that a version was made on; None where none is published, as for one registered by hand.

    Raises:
        TamperedRecord: a file on the DVC remote differs from what was published.
    """

    def fetch(staged: Path) -> None:
        tag = split_tag(version.name, version.as_of, version.run_key)
        fetched = doors.snapshots.fetch(tag, staged / "split")
        # The folder is named by its manifest's digest, so that a later use needs neither git nor DVC to verify it.
        fetched.rename(staged / sha256_of_file(fetched / MANIFEST))

    def check(found: Path) -> None:
        split = next(found.iterdir(), found)
        verify_manifest(split, split.name, f"{name} of run {folder.name}")

    name = f"split-of-version-{version.version}-{version.run_key[:12]}"
    try:
        kept = folder.kept(name, check, fetch)
    except (NewerFormat, TamperedRecord):
        raise
    except InvalidInput as error:
        logger.warning(
            "the split of version %d cannot be read, so its edges are known by their dates alone: %s",
            version.version,
            error,
        )
        return None
    return SplitArrays.load(next(kept.iterdir()))
