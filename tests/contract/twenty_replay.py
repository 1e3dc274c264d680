"""Replays recorded exchanges of a Twenty 2.21 server and says where the stand-in's answers differ.

Compared are status, the JSON key tree and every leaf, but for what a server makes up itself: ids it gives (they must
stay the same throughout a file), times it takes, and search vectors. Recorded rows are kept as `{"$row": object, …}`
with only what differs from an empty row."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
import twenty_kit

DATA = Path(__file__).parents[1] / "data" / "twenty"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SERVER_TIME = re.compile(r"2026-11-22T\d\d:\d\d:\d\d\.\d{3}Z")
_INDEX = re.compile(r"(IDX_(?:UNIQUE_)?)[0-9a-f]{27}")
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def recording(name: str) -> dict[str, Any]:
    """One reduced recording: start state, exchanges, and what was left out with the reason."""
    loaded: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    return loaded


class Replay:
    """One file against one fresh server."""

    def __init__(self, sandbox: twenty_kit.TwentySandbox, start: dict[str, Any], listener: str | None = None) -> None:
        self.sandbox = sandbox
        self.moved = (start["listener"], listener) if listener else None  #: where webhooks went, and go now
        self.ids: dict[str, str] = {}  #: recorded id → ours
        self.empty = json.loads((DATA / "empty-rows.json").read_text("utf-8"))
        self.extra: dict[str, Any] = {}
        self._prepare(start)

    def _prepare(self, start: dict[str, Any]) -> None:
        for member in start.get("members", []):
            self.sandbox.order("/members", member)
        for recorded, name in start.get("objects", {}).items():
            self.ids[recorded] = self._object_id(name)
        for recorded, (name, field) in start.get("fieldIds", {}).items():
            self.ids[recorded] = self._field(name, field)["id"]
        for name, field, options in start.get("options", []):
            self._set_options(name, field, options)
        for field in start.get("fields", []):
            made = {"objectMetadataId": self._object_id("company"), **field}
            assert self.sandbox.call("POST", "/rest/metadata/fields", made).status_code == 201
            self.extra[field["name"]] = ""
        for name, rows, *by in start.get("rows", []):
            if name == "person":
                parents = {row["companyId"] for row in rows if row.get("companyId")}
                assert parents <= {one.get("id") for _, many, *_ in start["rows"] for one in many}
            self.sandbox.order("/rows", {"object": name, "rows": rows, "by": by[0] if by else "sample"})
        for fill in start.get("fill", []):
            self.sandbox.order("/rows", {"object": fill["object"], "rows": list(_filling(fill)), "by": "sample"})

    def _object(self, name: str) -> dict[str, Any]:
        answer = self.sandbox.call("GET", "/rest/metadata/objects").json()["data"]
        objects = answer["objects"] if isinstance(answer, dict) else answer
        found: dict[str, Any] = next(one for one in objects if one["nameSingular"] == name)
        return found

    def _object_id(self, name: str) -> str:
        return str(self._object(name)["id"])

    def _field(self, name: str, field: str) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in self._object(name)["fields"] if one["name"] == field)
        return found

    def _set_options(self, name: str, field: str, options: list[dict[str, Any]]) -> None:
        """Gives a select the recorded options; those it has keep their ids, which stand for the recorded ones."""
        have = {one["value"]: one["id"] for one in self._field(name, field)["options"]}
        wanted = [{**{k: v for k, v in one.items() if k != "id"}} for one in options]
        for one in wanted:
            if one["value"] in have:
                one["id"] = have[one["value"]]
        path = f"/rest/metadata/fields/{self._field(name, field)['id']}"
        assert self.sandbox.call("PATCH", path, {"options": wanted}).status_code == 200
        made = {one["value"]: one["id"] for one in self._field(name, field)["options"]}
        self.ids |= {one["id"]: made[one["value"]] for one in options if "id" in one}

    def send(self, exchange: dict[str, Any]) -> requests.Response:
        """Sends what was sent, with our ids in place of the recorded ones."""
        headers = {"Authorization": f"Bearer {self.sandbox.key}", "Content-Type": "application/json"}
        if "authorization" in exchange:
            headers["Authorization"] = exchange["authorization"].replace("<API key", self.sandbox.key[:-4] + "<")
            if exchange["authorization"] == "none":
                del headers["Authorization"]
        if "contentType" in exchange:
            headers["Content-Type"] = exchange["contentType"]
        body = self._translate(json.dumps(_body(exchange["body"])).encode()) if "body" in exchange else b""
        if "rawBody" in exchange:
            body = exchange["rawBody"].encode()
        path = self._translate(exchange["path"].encode()).decode()
        return self.sandbox.session.request(
            exchange["method"], self.sandbox.url + path, headers=headers, data=body, timeout=60
        )

    def _translate(self, raw: bytes) -> bytes:
        text = raw.decode()
        if self.moved:
            text = text.replace(*self.moved)
        for recorded, ours in self.ids.items():
            text = text.replace(recorded, ours)
        return text.encode()

    def differences(self, exchange: dict[str, Any], answer: requests.Response) -> list[str]:
        """Where our answer is not the recorded one; empty = the same."""
        found = (
            [] if answer.status_code == exchange["status"] else [f"status {answer.status_code}: {answer.text[:300]}"]
        )
        sent = set(_UUID.findall(json.dumps(exchange.get("body")))) - set(self.ids)
        ours = answer.json()
        if "pick" in exchange:
            _pick(ours, exchange["answer"], *(text.split(".") for text in exchange["pick"]))
        return found + list(self._compare("", self._expand(exchange["answer"]), ours, sent))

    def letter_differences(self, recorded: dict[str, Any], ours: Any) -> list[str]:
        """Where the body of a webhook is not the recorded one."""
        return list(self._compare("", self._expand(recorded), ours, set()))

    def _expand(self, recorded: Any) -> Any:
        if isinstance(recorded, list):
            return [self._expand(item) for item in recorded]
        if isinstance(recorded, str) and self.moved:
            return recorded.replace(*self.moved)
        if not isinstance(recorded, dict):
            return recorded
        if "$row" in recorded:
            extra = self.extra if recorded["$row"] == "company" else {}
            recorded = {**self.empty[recorded["$row"]], **extra, **recorded}
            del recorded["$row"]
        return {key: self._expand(item) for key, item in recorded.items()}

    def _compare(self, where: str, recorded: Any, ours: Any, sent: set[str]) -> Iterator[str]:
        if isinstance(recorded, dict):
            if "$any" in recorded:
                return
            if "$unordered" in recorded:
                recorded, ours = sorted(recorded["$unordered"], key=str), sorted(ours, key=str)
                yield from self._compare(where, recorded, ours, sent)
                return
            if not isinstance(ours, dict) or set(ours) != set(recorded):
                yield f"{where}: keys {sorted(ours) if isinstance(ours, dict) else ours} != {sorted(recorded)}"
                return
            for key in recorded:
                yield from self._compare(f"{where}.{key}", recorded[key], ours[key], sent)
        elif isinstance(recorded, list):
            if not isinstance(ours, list) or len(ours) != len(recorded):
                yield f"{where}: {ours} != {recorded}"
                return
            ours = self._aligned(recorded, ours)
            for place, (left, right) in enumerate(zip(recorded, ours, strict=True)):
                yield from self._compare(f"{where}[{place}]", left, right, sent)
        elif not self._same(where, recorded, ours, sent):
            yield f"{where}: {ours!r} != {recorded!r}"

    def _aligned(self, recorded: list[Any], ours: list[Any]) -> list[Any]:
        """Rows are ordered by id; where the server made the ids, ours are put beside the recorded ones they stand for.

        Rows whose ids were not seen before are paired by name."""
        if not all(isinstance(one, dict) and "id" in one for one in recorded + ours):
            return ours
        ids = [self.ids.get(one["id"], one["id"]) for one in recorded]
        if ids == [one["id"] for one in recorded] and {one["id"] for one in ours} == set(ids):
            return ours
        known = {one["id"]: one for one in ours if one["id"] in ids}
        names = sorted((str(one.get("name")), place) for place, one in enumerate(recorded) if ids[place] not in known)
        rest = sorted((one for one in ours if one["id"] not in known), key=lambda one: str(one.get("name")))
        found: list[Any] = [known.get(one) for one in ids]
        for (_, place), one in zip(names, rest, strict=True):
            found[place] = one
        return found

    def _cursor(self, recorded: str, ours: str) -> bool:
        """Cursors of one order by id: where the server made the ids, any row of ours that stands for a recorded one."""
        try:
            left, right = (json.loads(base64.b64decode(text, validate=True)) for text in (recorded, ours))
        except ValueError:
            return False
        return bool(set(left) == set(right) == {"id"} and right["id"] in self.ids.values())

    def _same(self, where: str, recorded: Any, ours: Any, sent: set[str]) -> bool:
        if not isinstance(recorded, str) or not isinstance(ours, str):
            return bool(recorded == ours and type(recorded) is type(ours))
        if where.endswith(".searchVector") or recorded == ours:
            return True
        if _SERVER_TIME.fullmatch(recorded):
            return _ISO.fullmatch(ours) is not None
        if _INDEX.search(recorded):
            return _INDEX.sub(r"\1*", recorded) == _INDEX.sub(r"\1*", ours)
        if _UUID.fullmatch(recorded) and _UUID.fullmatch(ours) and recorded not in sent:
            return self.ids.setdefault(recorded, ours) == ours
        if where.endswith("Cursor"):
            return self._cursor(recorded, ours)
        if _UUID.search(recorded):
            return self._same(where, _UUID.sub("*", recorded), _UUID.sub("*", ours), sent)
        return False


def _filling(fill: dict[str, Any]) -> Iterator[dict[str, Any]]:
    first = fill.get("from", 0)
    for number in range(first, first + fill["count"]):
        name: Any = f"{fill['name']}{number}"
        row = {"id": f"ffffffff-ffff-4fff-8fff-{number:012x}", "position": fill["position"]}
        if not fill["object"].endswith("Target"):
            label = {"message": "subject"}.get(fill["object"], "name")
            label = "title" if fill["object"] in {"note", "task", "calendarEvent"} else label
            row[label] = {"firstName": name} if fill["object"] == "person" else name
        if "stamp" in fill:
            row |= {"createdAt": fill["stamp"], "updatedAt": fill["stamp"]}
        if number < fill.get("domains", 0):
            row["domainName"] = {"primaryLinkUrl": f"https://filling{number}.example"}
        yield row


def _pick(ours: Any, recorded: Any, path: list[str], name: list[str]) -> None:
    """Keeps of a list in our answer only what the recorded one names, in its order."""

    def at(value: Any, keys: list[str]) -> Any:
        for key in keys:
            value = value[key]
        return value

    wanted = [at(one, name) for one in at(recorded, path)]
    have = {at(one, name): one for one in at(ours, path)}
    at(ours, path[:-1])[path[-1]] = [have[one] for one in wanted if one in have]


def _body(body: Any) -> Any:
    if isinstance(body, dict) and "$name" in body:
        return {"name": "x" * body["$name"]}
    if isinstance(body, dict) and "$names" in body:
        prefix, count = body["$names"]
        return [{"name": f"{prefix}{number}"} for number in range(count)]
    return _texts(body)


def _texts(body: Any) -> Any:
    """`{"$text": [part, times]}` stands for a long text."""
    if isinstance(body, list):
        return [_texts(item) for item in body]
    if isinstance(body, dict) and "$text" in body:
        part, times = body["$text"]
        return part * times
    return {key: _texts(item) for key, item in body.items()} if isinstance(body, dict) else body
