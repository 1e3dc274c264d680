"""The values of our own topics: they wake and decide nothing, so they carry no payload (DESIGN 2)."""

from __future__ import annotations

from typing import Any


def hint(*, object_: str, kind: str, key: str, seq: int, cause: str) -> dict[str, Any]:
    """A record is due: value of `<m>.g<n>.load.<lane>`; schema: `schemas/json/hint.schema.json`."""
    return {"object": object_, "key": key, "seq": seq, "cause": cause, "trace": f"{kind}/{key}@{seq}"}


def landed(*, kind: str, key: str, seq: int) -> dict[str, Any]:
    """A record is in the destination: value of `<m>.g<n>.landed`; schema: `schemas/json/landed.schema.json`."""
    return {"object": kind, "key": key, "seq": seq}
