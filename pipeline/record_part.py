"""The base of everything a record holds."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A value inside a record: frozen, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
