"""What the control port can do to a workspace: rows made or changed by a person, members, workflows, keys, limits."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sandbox.twenty.records import Actor
from sandbox.twenty.workspace import Workspace

Body = Mapping[str, Any]
_SYSTEM = Actor(source="MANUAL", name="System")


def rows(workspace: Workspace, body: Body) -> Any:
    """`{object, rows, by: person|sample, member?}`: rows with a known id are changed, the others made.

    A person shows as source MANUAL with the member's id, sample data as source SYSTEM; new rows may bring updatedBy."""
    item = workspace.store.objects[body["object"]]
    writer = workspace.writer(item, _actor(workspace, body), trusted=True)
    have = workspace.store.rows[item.name]
    known = [row for row in body["rows"] if row.get("id") in have]
    new = [row for row in body["rows"] if row.get("id") not in have]
    found = [writer.update_one(row["id"], {k: v for k, v in row.items() if k != "id"}) for row in known]
    for start in range(0, len(new), 200):
        found += writer.create(new[start : start + 200], upsert=False)
    workspace.note("control", "rows", item, found)
    workspace.publish(writer.events)
    return {"rows": [item.render(row) for row in found]}


def delete(workspace: Workspace, body: Body) -> Any:
    """`{object, ids, soft: true|false}` by a person."""
    item = workspace.store.objects[body["object"]]
    writer = workspace.writer(item, _actor(workspace, body))
    found = [writer.existing(row_id) for row_id in body["ids"]]
    gone = writer.mark(found, deleted=True) if body.get("soft", True) else writer.destroy(found)
    workspace.note("control", "delete", item, gone)
    workspace.publish(writer.events)
    return {"ids": [row["id"] for row in gone]}


def restore(workspace: Workspace, body: Body) -> Any:
    """`{object, ids}` out of the bin, by a person."""
    item = workspace.store.objects[body["object"]]
    writer = workspace.writer(item, _actor(workspace, body))
    back = writer.mark([writer.existing(row_id) for row_id in body["ids"]], deleted=False)
    workspace.note("control", "restore", item, back)
    workspace.publish(writer.events)
    return {"ids": [row["id"] for row in back]}


def member(workspace: Workspace, body: Body) -> Any:
    """`{userEmail, firstName?, lastName?, id?}`: somebody accepted an invitation."""
    item = workspace.store.objects["workspaceMember"]
    row = {
        "id": body.get("id") or str(uuid.uuid4()),
        "name": {"firstName": body.get("firstName", ""), "lastName": body.get("lastName", "")},
        "userEmail": body["userEmail"],
        "userId": body.get("userId") or str(uuid.uuid4()),
        "colorScheme": "Light",
        "position": 0,
    }
    made = workspace.writer(item, _SYSTEM).create([row], upsert=False)
    workspace.note("control", "members", item, made)
    return item.render(made[0])


def workflow(workspace: Workspace, body: Body) -> Any:
    """`{name, event, active?, fields?}`: active means the trigger row is there (`twenty.md` 10)."""
    active = body.get("active", True)
    item = workspace.store.objects["workflow"]
    row = {"name": body["name"], "statuses": ["ACTIVE" if active else "DEACTIVATED"]}
    made = workspace.writer(item, _SYSTEM).create([row], upsert=False)[0]
    found: dict[str, Any] = {"workflow": item.render(made), "trigger": None}
    if active:
        kind = workspace.store.objects["workflowAutomatedTrigger"]
        settings = {"eventName": body["event"], "fields": list(body.get("fields", []))}
        trigger = {"type": "DATABASE_EVENT", "settings": settings, "workflowId": made["id"]}
        found["trigger"] = kind.render(workspace.writer(kind, _SYSTEM).create([trigger], upsert=False)[0])
    workspace.note("control", "workflows", item, [made])
    return found


def key(workspace: Workspace, body: Body) -> Any:
    """`{key, state: valid|revoked|expired, name?}`."""
    text, state = str(body["key"]), body.get("state", "valid")
    if state == "revoked":
        workspace.keys.revoke(text)
    elif state == "expired":
        workspace.keys.expire(text)
    elif state == "valid":
        workspace.keys.add(text, str(body.get("name", "api-key")))
        workspace.keys.restore(text)
    else:
        raise ValueError(f"state {state}")
    return {"state": state}


def limit(workspace: Workspace, body: Body) -> Any:
    """`{limit, window_ms}`: a full bucket of that size; 0 = no limit."""
    workspace.bucket.configure(int(body["limit"]), int(body["window_ms"]))
    return {"limit": workspace.bucket.limit, "window_ms": workspace.bucket.window_ms}


def _actor(workspace: Workspace, body: Body) -> Actor:
    by = body.get("by", "person")
    if by == "sample":
        return Actor(source="SYSTEM", name="System")
    if by != "person":
        raise ValueError(f"by {by}")
    member_id = body.get("member")
    if member_id is None:
        return Actor(source="MANUAL", name="A Person")
    name = workspace.store.rows["workspaceMember"][member_id]["name"]
    return Actor(source="MANUAL", name=f"{name['firstName']} {name['lastName']}".strip(), member=member_id)
