"""Faults, limits, keys and memory of the Twenty stand-in, over a real socket."""

from __future__ import annotations

import os
import signal
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import requests
import twenty_kit
from twenty_kit import TwentySandbox


def people(count: int, tag: str) -> list[dict[str, Any]]:
    """A batch of persons with ids and addresses of their own."""
    return [
        {
            "id": str(uuid.uuid4()),
            "name": {"firstName": "Ada", "lastName": str(number)},
            "emails": {"primaryEmail": f"{tag}.{number}@example.com"},
            "phones": {"primaryPhoneNumber": "+33612345678"},
        }
        for number in range(count)
    ]


def total(sandbox: TwentySandbox, plural: str, query: str = "") -> int:
    """totalCount of a selection."""
    return int(sandbox.call("GET", f"/rest/{plural}?limit=0{query}").json()["totalCount"])


def test_drop_after_commit(twenty_sandbox: TwentySandbox) -> None:
    """The call is applied and the connection closes without an answer, once (H-04)."""
    twenty_sandbox.order("/faults", {"kind": "drop_after_commit", "path": "/rest/batch/people", "times": 1})
    batch = people(3, "drop")
    with pytest.raises(requests.ConnectionError):
        twenty_sandbox.call("POST", "/rest/batch/people", batch)
    assert total(twenty_sandbox, "people") == 3
    again = twenty_sandbox.call("POST", "/rest/batch/people", batch)
    assert (again.status_code, again.json()["messages"]) == (400, ["A duplicate entry was detected"])


def test_drop_before(twenty_sandbox: TwentySandbox) -> None:
    """The connection closes and nothing is applied."""
    twenty_sandbox.order("/faults", {"kind": "drop_before", "method": "POST"})
    with pytest.raises(requests.ConnectionError):
        twenty_sandbox.call("POST", "/rest/companies", {"name": "x"})
    assert total(twenty_sandbox, "companies") == 0


def test_apply_late(twenty_sandbox: TwentySandbox) -> None:
    """The connection closes at once; the write lands afterwards."""
    twenty_sandbox.order("/faults", {"kind": "apply_late", "path": "/rest/companies", "ms": 20})
    with pytest.raises(requests.ConnectionError):
        twenty_sandbox.call("POST", "/rest/companies", {"name": "late"})
    deadline = time.monotonic() + 10
    while total(twenty_sandbox, "companies") == 0:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("status", [429, 500, 503])
def test_ordered_status(twenty_sandbox: TwentySandbox, status: int) -> None:
    """An ordered status is answered `times` times and nothing is applied."""
    twenty_sandbox.order("/faults", {"kind": "status", "status": status, "times": 2})
    for _ in range(2):
        assert twenty_sandbox.call("POST", "/rest/companies", {"name": "x"}).status_code == status
    assert total(twenty_sandbox, "companies") == 0


def test_delay(twenty_sandbox: TwentySandbox) -> None:
    """A delayed call is served, later."""
    twenty_sandbox.order("/faults", {"kind": "delay", "ms": 150})
    begun = time.monotonic()
    assert twenty_sandbox.call("GET", "/rest/companies").status_code == 200
    assert time.monotonic() - begun >= 0.15


def test_the_limit_counts_record_calls_only(tmp_path: Path) -> None:
    """Filter errors and metadata cost no token, record errors do; the 429 tells limit and window (S0-56)."""
    sandbox = twenty_kit.start(tmp_path, "--limit", "3", "--window-ms", "3600000")
    try:
        for _ in range(5):
            assert sandbox.call("GET", "/rest/companies?filter=name").status_code == 400
            assert sandbox.call("GET", "/rest/companyzz").status_code == 400
            assert sandbox.call("GET", "/rest/metadata/objects").status_code == 200
            assert sandbox.call("GET", "/rest/open-api/core").status_code == 200
        assert sandbox.call("POST", "/rest/companies", {"zz": 1}).status_code == 400
        assert sandbox.call("GET", "/rest/companies?filter=zzz[eq]:1").status_code == 400
        assert sandbox.call("POST", "/rest/batch/people", people(200, "limit")).status_code == 201
        refused = sandbox.call("GET", "/rest/people")
        assert refused.status_code == 429
        assert refused.json()["messages"] == ["Limit reached (3 tokens per 3600000 ms)"]
        assert not [name for name in refused.headers if name.lower().startswith(("retry", "x-rate"))]
        sandbox.order("/limit", {"limit": 0, "window_ms": 60000})
        assert sandbox.call("GET", "/rest/people").status_code == 200
    finally:
        assert sandbox.stop() == 0


def test_revoked_and_expired_keys(twenty_sandbox: TwentySandbox) -> None:
    """A revoked key is 403, an expired one 401, in Twenty's words."""
    twenty_sandbox.order("/keys/revoke", {"key": twenty_sandbox.key})
    revoked = twenty_sandbox.call("GET", "/rest/companies")
    assert (revoked.status_code, revoked.json()["messages"]) == (403, ["This API Key is revoked"])
    twenty_sandbox.order("/keys", {"key": twenty_sandbox.key})
    twenty_sandbox.order("/keys/expire", {"key": twenty_sandbox.key})
    expired = twenty_sandbox.call("GET", "/rest/companies")
    assert (expired.status_code, expired.json()["messages"]) == (401, ["Token has expired."])


def test_calls_are_counted_and_writes_listed(twenty_sandbox: TwentySandbox) -> None:
    """GET /calls counts by method and path family and lists committed writes with their ids."""
    batch = people(2, "count")
    twenty_sandbox.call("POST", "/rest/batch/people", batch)
    twenty_sandbox.call("PATCH", f"/rest/people/{batch[0]['id']}", {"jobTitle": "x"})
    twenty_sandbox.call("PATCH", f"/rest/people/{batch[1]['id']}", {"zz": "x"})
    found = twenty_sandbox.calls()
    assert found["counts"] == {"POST /rest/batch/people": 1, "PATCH /rest/people/{id}": 2}
    assert [(one["action"], one["object"], one["ids"]) for one in found["writes"]] == [
        ("create", "person", [row["id"] for row in batch]),
        ("update", "person", [batch[0]["id"]]),
    ]


def test_state_survives_a_kill(tmp_path: Path) -> None:
    """What was answered is there after kill -9: rows, unique values, fields and their ids."""
    first = twenty_kit.start(tmp_path)
    batch = people(200, "kill")
    objects = first.call("GET", "/rest/metadata/objects").json()["data"]
    person = next(one["id"] for one in objects if one["nameSingular"] == "person")
    field = {"objectMetadataId": person, "type": "TEXT", "name": "legacyId", "label": "Legacy id", "isUnique": True}
    assert first.call("POST", "/rest/metadata/fields", field).status_code == 201
    batch[0]["legacyId"] = "42"
    assert first.call("POST", "/rest/batch/people", batch).status_code == 201
    before = first.call("GET", "/rest/people?limit=200").json()
    first.session.close()
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(timeout=20)
    second = twenty_kit.start(tmp_path)
    try:
        assert second.call("GET", "/rest/people?limit=200").json() == before
        assert second.call("POST", "/rest/people", {"legacyId": "42"}).status_code == 400
        assert second.call("POST", "/rest/people", {"emails": batch[1]["emails"]}).status_code == 400
        assert [one["id"] for one in second.call("GET", "/rest/metadata/objects").json()["data"]] == [
            one["id"] for one in objects
        ]
    finally:
        assert second.stop() == 0


def test_fast_enough(twenty_sandbox: TwentySandbox) -> None:
    """At least 600 persons a second in batches of 200, as the measured server (`twenty.md` 1.8)."""
    batches = [people(200, f"fast{number}") for number in range(6)]
    begun = time.monotonic()
    for batch in batches:
        assert twenty_sandbox.call("POST", "/rest/batch/people", batch).status_code == 201
    assert 1200 / (time.monotonic() - begun) > 600


def test_a_small_answer_does_not_wait(twenty_sandbox: TwentySandbox) -> None:
    """Headers and body leave together: 50 small calls on one connection take well under 40 ms each."""
    begun = time.monotonic()
    for _ in range(50):
        assert twenty_sandbox.call("GET", "/rest/companies?limit=0").status_code == 200
    assert (time.monotonic() - begun) / 50 < 0.03
