"""The asset that starts whatever uses a new champion."""

from __future__ import annotations

from airflow.sdk import Asset

# An outlet of `register`: an event when the task succeeds, none when it is skipped because nothing was promoted.
PROMOTED_MODEL = Asset("promoted_model")
