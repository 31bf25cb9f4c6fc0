"""The assets that start whatever uses a model: a new champion, and whatever else is served anew."""

from __future__ import annotations

from airflow.sdk import Asset

# An outlet of `register`: an event when the task succeeds, none when it is skipped because nothing was promoted.
PROMOTED_MODEL = Asset("promoted_model")

# An event for each version that comes to serve: by a promotion, by a refresh to a night's graph, or by a rollback.
SERVED_VERSION = Asset("served_version")
