"""Webhooks of the Twenty stand-in: signed, once per record and event, never repeated (`twenty.md` 7)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import twenty_replay
import webhook_listener
from twenty_kit import TwentySandbox

from sandbox.twenty import webhooks


@pytest.fixture
def listener() -> Iterator[webhook_listener.Listener]:
    """Where the webhooks go."""
    with webhook_listener.listening() as found:
        yield found


def subscribe(sandbox: TwentySandbox, url: str, *operations: str) -> None:
    """A webhook with the secret s3cret."""
    body = {"targetUrl": url, "operations": list(operations), "secret": "s3cret"}
    assert sandbox.call("POST", "/rest/metadata/webhooks", body).status_code == 201


def test_the_recorded_signature_is_ours() -> None:
    """HMAC-SHA256 over timestamp, colon and raw body (test vector of recording 17)."""
    vector = twenty_replay.recording("17-webhooks")["vector"]
    ours = webhooks.signature(vector["secret"], vector["timestamp"], vector["body"].encode())
    assert ours == vector["signature"]


def test_every_letter_is_signed(twenty_sandbox: TwentySandbox, listener: webhook_listener.Listener) -> None:
    """A batch of 45 makes 45 letters, each with a nonce of its own and a signature that holds."""
    subscribe(twenty_sandbox, f"{listener.url}/ok", "note.created")
    twenty_sandbox.call("POST", "/rest/batch/notes", [{"title": str(number)} for number in range(45)])
    came = listener.wait(45)
    assert {one.body["record"]["title"] for one in came} == {str(number) for number in range(45)}
    assert len({one.headers["X-Twenty-Webhook-Nonce"] for one in came}) == 45
    for one in came:
        stamp = one.headers["X-Twenty-Webhook-Timestamp"]
        assert webhooks.signature("s3cret", stamp, one.raw) == one.headers["X-Twenty-Webhook-Signature"]


def test_what_changed_is_named_and_nothing_is_said_of_nothing(
    twenty_sandbox: TwentySandbox, listener: webhook_listener.Listener
) -> None:
    """No letter for an upsert or PATCH without change, nor for updatedAt alone; deletedAt by PATCH is an update."""
    subscribe(twenty_sandbox, f"{listener.url}/ok", "opportunity.*")
    deal = {"id": str(uuid.uuid4()), "name": "d", "stage": "MEETING"}
    path = f"/rest/opportunities/{deal['id']}"
    twenty_sandbox.call("POST", "/rest/opportunities", deal)
    twenty_sandbox.call("POST", "/rest/opportunities?upsert=true", deal)
    twenty_sandbox.call("PATCH", path, {"stage": "MEETING", "updatedAt": "2020-01-01T00:00:00Z"})
    twenty_sandbox.call("PATCH", path, {"stage": "NEW", "name": "e"})
    twenty_sandbox.call("PATCH", path, {"deletedAt": "2020-01-01T00:00:00Z"})
    twenty_sandbox.call("POST", "/rest/opportunities?upsert=true", {"id": deal["id"]})
    twenty_sandbox.call("DELETE", path + "?soft_delete=true")
    twenty_sandbox.call("PATCH", f"/rest/restore/opportunities?filter=id[eq]:{deal['id']}")
    twenty_sandbox.call("DELETE", path)
    came = listener.wait(7)
    told = sorted((one.body["eventName"], one.body.get("updatedFields")) for one in came)
    assert [(name.partition(".")[2], fields) for name, fields in told] == [
        ("created", None),
        ("deleted", ["deletedAt"]),
        ("destroyed", None),
        ("restored", ["deletedAt"]),
        ("updated", ["deletedAt"]),
        ("updated", ["deletedAt"]),
        ("updated", ["name", "stage"]),
    ]


def test_a_failed_letter_is_lost(twenty_sandbox: TwentySandbox, listener: webhook_listener.Listener) -> None:
    """A listener that answers 500 gets each event once, and one that is away harms nobody."""
    subscribe(twenty_sandbox, f"{listener.url}/fail", "company.created")
    subscribe(twenty_sandbox, "http://127.0.0.1:9/away", "company.created")
    for name in ("a", "b"):
        twenty_sandbox.call("POST", "/rest/companies", {"name": name})
    subscribe(twenty_sandbox, f"{listener.url}/ok", "task.created")
    twenty_sandbox.call("POST", "/rest/tasks", {"title": "last"})
    came = listener.wait(3)
    assert sorted(one.body["record"].get("name") or "task" for one in came) == ["a", "b", "task"]


def test_people_are_told_of_too(twenty_sandbox: TwentySandbox, listener: webhook_listener.Listener) -> None:
    """What a person does shows source MANUAL, so that our own writes can be told apart (`twenty.md` 7)."""
    subscribe(twenty_sandbox, f"{listener.url}/ok", "*.created")
    rows = [{"title": "by hand"}]
    twenty_sandbox.order("/rows", {"object": "task", "rows": rows, "by": "person"})
    (letter,) = listener.wait(1)
    assert letter.body["record"]["updatedBy"]["source"] == "MANUAL"
