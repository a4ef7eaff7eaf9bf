"""Values of the contract."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictValue(BaseModel):
    """A frozen value of the public contract: it refuses fields it does not know, so that a typing error is noticed."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class TolerantValue(BaseModel):
    """A frozen value that workers send each other: during an update one may name fields that the other has not yet."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)
