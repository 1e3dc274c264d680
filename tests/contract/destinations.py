"""What the one list of contract tests needs of a destination, and the stand-ins that give it."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

import requests
import twenty_kit

from sinks import twenty
from sinks.base import Outgoing, Sink


class Destination(Protocol):
    """A destination under test: its sink, its kinds of record, and hands to spoil its day."""

    sink: Sink
    object: str  #: the object the tests write
    most: int  #: records a call

    def records(self, count: int) -> list[Outgoing]: ...
    def holding(self, value: str) -> Outgoing: ...
    def poisoned(self) -> Outgoing: ...
    def orphan(self) -> Outgoing: ...
    def changed(self, record: Outgoing) -> Outgoing: ...
    def opened(self, *, key: str | None = None, url: str | None = None) -> Sink: ...
    def fault(self, kind: str, **more: Any) -> None: ...
    def limit(self, calls: int, window_ms: int) -> None: ...
    def person_edits(self, record: Outgoing) -> None: ...
    def person_deletes(self, record: Outgoing) -> None: ...
    def automation(self, name: str, event: str) -> None: ...
    def member(self, email: str) -> str: ...


class TwentyDestination:
    """Companies of a Twenty workspace; every test writes ids and domains of its own."""

    object = "company"
    most = 200

    def __init__(self, sandbox: twenty_kit.TwentySandbox) -> None:
        self._sandbox = sandbox
        self._opened: list[twenty.TwentySink] = []
        self.sink: Sink = self.opened()

    def records(self, count: int) -> list[Outgoing]:
        """Companies that are not there yet."""
        return [self._company({"name": f"Company {place}"}) for place in range(count)]

    def holding(self, value: str) -> Outgoing:
        """A new company that carries this unique value."""
        link = {"primaryLinkUrl": f"https://{value}.example", "primaryLinkLabel": "", "secondaryLinks": []}
        return self._company({"name": value, "domainName": link})

    def poisoned(self) -> Outgoing:
        """A company Twenty will never take, for a reason the adapter does not know beforehand."""
        return self._company({"name": "x", "domainName": {"primaryLinkUrl": "not a url"}})

    def orphan(self) -> Outgoing:
        """A company that points to a member who is not there."""
        return self._company({"name": "x", "accountOwnerId": str(uuid.uuid4())})

    def changed(self, record: Outgoing) -> Outgoing:
        """The same record with another name."""
        return dataclasses.replace(record, fields={**record.fields, "name": f"renamed {uuid.uuid4()}"})

    def opened(self, *, key: str | None = None, url: str | None = None) -> Sink:
        """A sink of its own, with another key or address if told."""
        told = {"url": url or self._sandbox.url, "key": key or self._sandbox.key, "timeout_s": 10}
        made = twenty.TwentySink(twenty.Settings.model_validate(told))
        self._opened.append(made)
        return made

    def fault(self, kind: str, **more: Any) -> None:
        """One fault for the next call that matches."""
        self._sandbox.order("/faults", {"kind": kind, **more})

    def limit(self, calls: int, window_ms: int) -> None:
        """A full bucket of that size."""
        self._sandbox.order("/limit", {"limit": calls, "window_ms": window_ms})

    def person_edits(self, record: Outgoing) -> None:
        """Somebody changes the row in the user interface."""
        row = {"id": record.remote_id, "name": "edited by hand"}
        self._sandbox.order("/rows", {"object": self.object, "rows": [row], "by": "person"})

    def person_deletes(self, record: Outgoing) -> None:
        """Somebody puts the row into the bin."""
        self._sandbox.order("/rows/delete", {"object": self.object, "ids": [record.remote_id], "soft": True})

    def automation(self, name: str, event: str) -> None:
        """An active workflow."""
        self._sandbox.order("/workflows", {"name": name, "event": event})

    def member(self, email: str) -> str:
        """Somebody joins; their id."""
        return str(self._sandbox.order("/members", {"userEmail": email})["id"])

    def calm(self) -> None:
        """No limit, and no fault left over from another test."""
        self.limit(0, 60_000)
        requests.delete(self._sandbox.control_url + "/faults", timeout=10).raise_for_status()

    def close(self) -> None:
        """Closes every sink that was opened."""
        for sink in self._opened:
            sink.close()

    def _company(self, fields: Mapping[str, Any]) -> Outgoing:
        remote_id = str(uuid.uuid5(uuid.NAMESPACE_URL, str(uuid.uuid4())))
        return Outgoing(object=self.object, remote_id=remote_id, fields=fields)


#: By name: the fixture `<name>_server` gives each what it needs.
DESTINATIONS = {"twenty": TwentyDestination}
