"""What is there: objects and fields, members, automations that listen to our writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from schemas.answers import Weather
from schemas.catalog import Field, Member, Object
from schemas.errors import LockgateError
from sinks.base import Reactor
from sinks.twenty import rest, words
from sinks.twenty.client import Client, Reply

#: Rows of an answer's body, or None when it is of another shape.
Take = Callable[[Any], list[Mapping[str, Any]] | None]

_MOST_PAGES = 500
#: Types of field whose values are a list of options.
WITH_OPTIONS = ("SELECT", "MULTI_SELECT")
_REACTS_TO = ("created", "updated", "upserted", "deleted", "destroyed", "restored")


def objects(client: Client) -> Mapping[str, Object] | Weather:
    """Active objects by singular name. One metadata call a page of 200, not counted by the limit (`twenty.md` 3.2)."""
    raw = listed(client)
    return raw if isinstance(raw, Weather) else read(raw)


def listed(client: Client) -> Sequence[Mapping[str, Any]] | Weather:
    """Objects as the server tells them, fields and options included, in both metadata formats (3.1)."""
    return pages(client, "/rest/metadata/objects", _metadata_rows)


def read(listed: Sequence[Mapping[str, Any]]) -> Mapping[str, Object]:
    """Active objects by singular name. Pure."""
    standard = next((raw.get("applicationId") for raw in listed if raw.get("nameSingular") == "workspaceMember"), None)
    standard = standard or next((raw.get("applicationId") for raw in listed), None)
    return {raw["nameSingular"]: _object(raw, standard) for raw in listed if raw.get("isActive", True)}


def members(client: Client) -> Sequence[Member] | Weather:
    """People of the workspace, `userEmail` in lower case. One call a page of 200 (8)."""
    listed = pages(client, "/rest/workspaceMembers", rest.rows)
    if isinstance(listed, Weather):
        return listed
    return [Member(id=row["id"], email=str(row.get("userEmail") or "").lower()) for row in listed]


def reactors(client: Client, names: Sequence[str]) -> Sequence[Reactor] | Weather:
    """DATABASE_EVENT triggers on `<object>.created|updated|upserted`, with their workflow's name.

    A trigger row exists while its workflow is active; deactivating removes it (10). Two calls or more. A workspace
    without that object (old versions) has none."""
    listed = pages(client, "/rest/workflowAutomatedTriggers", rest.rows, may_lack=True)
    if isinstance(listed, Weather):
        return listed
    wanted = {f"{name}.{what}" for name in (*names, "*") for what in (*_REACTS_TO, "*")}
    heard = [(row, _event(row)) for row in listed if row.get("type") == "DATABASE_EVENT"]
    heard = [(row, event) for row, event in heard if event in wanted]
    titles = _workflow_names(client, [row["workflowId"] for row, _ in heard if row.get("workflowId")])
    if isinstance(titles, Weather):
        return titles
    return [
        Reactor(id=row["id"], name=titles.get(row.get("workflowId"), row.get("workflowId") or row["id"]), event=event)
        for row, event in heard
    ]


def pages(
    client: Client, path: str, take: Take, wanted: str | None = None, *, may_lack: bool = False
) -> list[Mapping[str, Any]] | Weather:
    """Every row of a list that fits the filter `wanted`, by cursor.

    `may_lack`: a workspace without the object has no rows; otherwise that, as any answer of another shape, is LG-0503:
    taken for "no rows" it would look as if a person had deleted everything."""
    found: list[Mapping[str, Any]] = []
    query = {"limit": str(rest.PAGE)} | ({"filter": wanted} if wanted else {})
    for _ in range(_MOST_PAGES):
        outcome = client.get(path, query)
        storm = rest.weather(outcome)
        if storm is not None:
            return storm
        assert isinstance(outcome, Reply)
        if may_lack and outcome.status >= 400 and words.no_such_object(outcome.body):
            return found
        page = take(outcome.body) if outcome.status < 400 else None
        if page is None:
            raise LockgateError("LG-0503", f"GET {path} answered {outcome.status}: {outcome.words()[:300]}")
        found += page
        cursor = rest.next_cursor(outcome.body)
        if cursor is None or not page:
            return found
        query["starting_after"] = cursor
    raise LockgateError("LG-0503", f"GET {path} has more than {_MOST_PAGES} pages.")


def _metadata_rows(body: Any) -> list[Mapping[str, Any]] | None:
    """Both formats: `{data: [...]}` of newly made workspaces, `{data: {objects: [...]}}` of older ones (3.1)."""
    data = body.get("data") if isinstance(body, Mapping) else None
    listed = data.get("objects") if isinstance(data, Mapping) else data
    if not isinstance(listed, list):
        return None
    return listed if all(isinstance(raw, Mapping) and "nameSingular" in raw for raw in listed) else None


def _object(raw: Mapping[str, Any], standard: str | None) -> Object:
    fields = {field.name: field for one in raw.get("fields", []) for field in _fields(one, standard)}
    return Object(name=raw["nameSingular"], plural=raw["namePlural"], id=raw["id"], fields=fields)


def _fields(raw: Mapping[str, Any], standard: str | None) -> Iterator[Field]:
    """A field, and for a many-to-one relation also its writable column (`company` and `companyId`, 1.9).

    Deactivated fields are left out: a write to them is refused as unknown (captures 12)."""
    if not raw.get("isActive", True):
        return
    custom = bool(raw["isCustom"]) if "isCustom" in raw else raw.get("applicationId") != standard
    column = (raw.get("settings") or {}).get("joinColumnName")
    for name in filter(None, (raw["name"], column)):
        yield Field(
            name=name,
            type=raw["type"],
            nullable=raw.get("isNullable") is not False,
            unique=raw.get("isUnique") is True,
            custom=custom,
            options=tuple(option["value"] for option in options(raw)),
        )


def options(raw: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Options of a field as the server tells them: id, value, label, color, position. Other types have none."""
    return raw.get("options") or () if raw["type"] in WITH_OPTIONS else ()


def _event(row: Mapping[str, Any]) -> str:
    settings = row.get("settings") or {}
    if isinstance(settings, str):
        settings = json.loads(settings)
    return str(settings.get("eventName", ""))


def _workflow_names(client: Client, ids: Sequence[str]) -> Mapping[str | None, str] | Weather:
    titles: dict[str | None, str] = {}
    for some in rest.chunks(ids):
        listed = pages(client, "/rest/workflows", rest.rows, rest.ids_filter(some))
        if isinstance(listed, Weather):
            return listed
        titles |= {row["id"]: row.get("name") or "(no name)" for row in listed}
    return titles
