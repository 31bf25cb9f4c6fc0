"""The base of everything a record holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints


class Part(BaseModel):
    """A value inside a record: frozen, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
GraphName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$")]
