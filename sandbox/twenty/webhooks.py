"""Webhooks: kept over REST, told of every event once, signed, never repeated (recording 17, `twenty.md` 7).

Only this machine is called: an address that is not loopback is refused, whatever Twenty would do with it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import re
import secrets
import time
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx

from sandbox.twenty.errors import unsupported
from sandbox.twenty.records import Event
from sandbox.twenty.workspace import Workspace

Raw = dict[str, Any]
CHUNK = 20
TIMEOUT_S = 5.0


def create(workspace: Workspace, body: Any) -> Raw:
    """A new webhook; a secret is made when none is given."""
    if not isinstance(body, dict) or set(body) - {"targetUrl", "operations", "description", "secret"}:
        raise unsupported("a webhook with other properties")
    url, operations = body.get("targetUrl"), body.get("operations")
    if not isinstance(url, str) or not _is_loopback(url):
        raise unsupported("webhooks to another machine")
    if not isinstance(operations, list) or not all(_is_operation(one) for one in operations):
        raise unsupported("webhook operations that are not object.event, object.* or *.event")
    stamp = workspace.clock.stamp()
    raw = {
        "id": str(uuid.uuid4()),
        "targetUrl": url,
        "operations": operations,
        "description": body.get("description"),
        "secret": body.get("secret") or secrets.token_hex(32),
        "workspaceId": workspace.store.meta("workspace"),
        "applicationId": workspace.store.meta("application"),
        "createdAt": stamp,
        "updatedAt": stamp,
        "deletedAt": None,
    }
    workspace.store.remember("webhooks", json.dumps([*listed(workspace), raw]))
    return raw


def listed(workspace: Workspace) -> list[Raw]:
    """Every webhook, oldest first."""
    found: list[Raw] = json.loads(workspace.store.meta("webhooks") or "[]")
    return found


def _is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def _is_operation(text: Any) -> bool:
    return isinstance(text, str) and text != "*.*" and re.fullmatch(r"(\w+|\*)\.(\w+|\*)", text) is not None


class Sender:
    """Posts events to the webhooks that ask for them, after the call that caused them is answered."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, events: Sequence[Event]) -> None:
        """One request per event and webhook, in parallel chunks of 20."""
        letters = [(hook, letter) for hook in listed(self.workspace) for letter in self._letters(hook, events)]
        if letters:
            task = asyncio.get_running_loop().create_task(_send(letters))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _letters(self, hook: Raw, events: Sequence[Event]) -> list[bytes]:
        now = self.workspace.clock.stamp()
        found = []
        for event in events:
            names = {f"{left}.{right}" for left in (event.item.name, "*") for right in (event.action, "*")}
            if names & set(hook["operations"]):
                found.append(_letter(hook, event, now))
        return found


def _letter(hook: Raw, event: Event, now: str) -> bytes:
    body = {
        "targetUrl": hook["targetUrl"],
        "eventName": f"{event.item.name}.{event.action}",
        "objectMetadata": {"id": event.item.raw["id"], "nameSingular": event.item.name},
        "workspaceId": hook["workspaceId"],
        "webhookId": hook["id"],
        "eventDate": now,
        "record": event.item.render(event.row),
    }
    if event.changed is not None:
        body["updatedFields"] = list(event.changed)
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 of `timestamp:body`, hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def _headers(hook: Raw, body: bytes) -> dict[str, str]:
    timestamp = str(time.time_ns() // 1_000_000)
    return {
        "Accept": "application/json, text/plain, */*",
        "Content-Type": "application/json",
        "X-Twenty-Webhook-Timestamp": timestamp,
        "X-Twenty-Webhook-Signature": signature(hook["secret"], timestamp, body),
        "X-Twenty-Webhook-Nonce": secrets.token_hex(16),
        "User-Agent": "axios/1.17.0",
        "Accept-Encoding": "gzip, compress, deflate, br",
    }


async def _send(letters: Sequence[tuple[Raw, bytes]]) -> None:
    async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client:
        for start in range(0, len(letters), CHUNK):
            await asyncio.gather(*(_post(client, hook, body) for hook, body in letters[start : start + CHUNK]))


async def _post(client: httpx.AsyncClient, hook: Raw, body: bytes) -> None:
    """A failure is swallowed and the event lost, as on the server."""
    try:
        await client.post(hook["targetUrl"], content=body, headers=_headers(hook, body))
    except httpx.HTTPError:
        return
