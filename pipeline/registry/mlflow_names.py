"""Names and values of metrics and parameters as MLflow takes them."""

from __future__ import annotations

import hashlib
import re

PARAM_LENGTH = 6000  # MLflow's limit for a value


def mlflow_key(name: str) -> str:
    """Return a name in the letters that MLflow allows for metrics and parameters."""
    return re.sub(r"[^\w.\- :/]", "_", name.replace("@", "_at_"))[:250]


def mlflow_value(value: str) -> str:
    """Return a parameter's value, cut where MLflow would refuse it; the digest of the whole keeps two cuts apart."""
    if len(value) <= PARAM_LENGTH:
        return value
    note = f" ... sha256 {hashlib.sha256(value.encode()).hexdigest()}"
    return value[: PARAM_LENGTH - len(note)] + note
