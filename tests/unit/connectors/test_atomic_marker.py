"""Markers: what is ours in a message event."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.atomic_crm import marker


def test_lsn_is_the_number_debezium_writes() -> None:
    """High and low half in hex."""
    assert marker.lsn("16/B374D848") == 0x16B374D848
    assert marker.lsn("0/0") == 0


@pytest.mark.parametrize(
    ("event", "content"),
    [
        ({"op": "m", "message": {"prefix": "lockgate_acme", "content": "ZmVuY2Ug4pqT"}}, "fence ⚓"),
        ({"op": "m", "message": {"prefix": "lockgate_acme", "content": ""}}, ""),
        ({"op": "m", "message": {"prefix": "lockgate_other", "content": "eA=="}}, None),
        ({"op": "u", "after": {"id": 1}}, None),
        ({}, None),
    ],
)
def test_content(event: dict[str, Any], content: str | None) -> None:
    """Base64 as Debezium writes it; another migration's message is not ours."""
    assert marker.content_of(event, "acme") == content
