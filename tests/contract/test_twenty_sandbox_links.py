"""Cascades, binned targets, foreign keys, history and options of the Twenty stand-in, over a real socket."""

from __future__ import annotations

import uuid
from typing import Any

from twenty_kit import TwentySandbox


def make(sandbox: TwentySandbox, plural: str, **fields: Any) -> str:
    """A record with an id of ours."""
    row_id = str(uuid.uuid4())
    answer = sandbox.call("POST", f"/rest/{plural}", {"id": row_id, **fields})
    assert answer.status_code == 201, answer.text
    return row_id


def read(sandbox: TwentySandbox, plural: str, row_id: str) -> dict[str, Any] | None:
    """The record, in the bin or not, or None."""
    both = "or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)"
    rows = sandbox.call("GET", f"/rest/{plural}?filter=id[eq]:{row_id},{both}").json()["data"][plural]
    found: dict[str, Any] | None = rows[0] if rows else None
    return found


def graph(sandbox: TwentySandbox) -> dict[str, str]:
    """A company with a person, a deal of both, a note and a task that point to all three."""
    ids = {"companies": make(sandbox, "companies", name="C")}
    ids["people"] = make(sandbox, "people", companyId=ids["companies"])
    links = {"companyId": ids["companies"], "pointOfContactId": ids["people"]}
    ids["opportunities"] = make(sandbox, "opportunities", name="D", **links)
    ids["notes"], ids["tasks"] = make(sandbox, "notes", title="N"), make(sandbox, "tasks", title="T")
    for name, plural in (("note", "notes"), ("task", "tasks")):
        for kind, target in (("Company", "companies"), ("Person", "people"), ("Opportunity", "opportunities")):
            point = {f"{name}Id": ids[plural], f"target{kind}Id": ids[target]}
            ids[f"{name}{kind}"] = make(sandbox, f"{name}Targets", **point)
    return ids


def test_destroying_a_company(twenty_sandbox: TwentySandbox) -> None:
    """Its targets go with it; people and deals stay, point to nothing, and keep their updatedAt (`twenty.md` 1.6)."""
    ids = graph(twenty_sandbox)
    before = read(twenty_sandbox, "opportunities", ids["opportunities"])
    twenty_sandbox.call("DELETE", f"/rest/companies/{ids['companies']}")
    deal, person = (
        read(twenty_sandbox, "opportunities", ids["opportunities"]),
        read(twenty_sandbox, "people", ids["people"]),
    )
    assert deal and person and before
    assert (deal["companyId"], deal["pointOfContactId"]) == (None, ids["people"])
    assert (person["companyId"], deal["updatedAt"]) == (None, before["updatedAt"])
    assert read(twenty_sandbox, "noteTargets", ids["noteCompany"]) is None
    assert read(twenty_sandbox, "taskTargets", ids["taskCompany"]) is None
    assert read(twenty_sandbox, "noteTargets", ids["notePerson"]) is not None
    assert read(twenty_sandbox, "notes", ids["notes"]) is not None
    twenty_sandbox.call("DELETE", f"/rest/people/{ids['people']}")
    deal = read(twenty_sandbox, "opportunities", ids["opportunities"])
    assert deal and deal["pointOfContactId"] is None


def test_destroying_a_note_or_task(twenty_sandbox: TwentySandbox) -> None:
    """Every target of it goes with it."""
    ids = graph(twenty_sandbox)
    for name, plural in (("note", "notes"), ("task", "tasks")):
        twenty_sandbox.call("DELETE", f"/rest/{plural}/{ids[plural]}")
        left = twenty_sandbox.call("GET", f"/rest/{name}Targets").json()["totalCount"]
        assert left == 0


def test_the_bin_takes_the_targets_of_a_note_but_not_of_a_company(twenty_sandbox: TwentySandbox) -> None:
    """Soft delete and restore of a note or task carry its targets along; those of a company stay (`twenty.md` 1.6)."""
    ids = graph(twenty_sandbox)
    twenty_sandbox.call("DELETE", f"/rest/companies/{ids['companies']}?soft_delete=true")
    target = read(twenty_sandbox, "noteTargets", ids["noteCompany"])
    assert target and target["deletedAt"] is None and target["targetCompanyId"] == ids["companies"]
    for name, plural in (("note", "notes"), ("task", "tasks")):
        twenty_sandbox.call("DELETE", f"/rest/{plural}/{ids[plural]}?soft_delete=true")
        binned = read(twenty_sandbox, f"{name}Targets", ids[f"{name}Person"])
        assert binned and binned["deletedAt"]
        twenty_sandbox.call("PATCH", f"/rest/restore/{plural}?filter=id[eq]:{ids[plural]}")
        back = read(twenty_sandbox, f"{name}Targets", ids[f"{name}Person"])
        assert back and back["deletedAt"] is None


def test_a_missing_parent_is_the_raw_text_of_the_constraint(twenty_sandbox: TwentySandbox) -> None:
    """Each object and column has a constraint of its own, and a batch with one such row makes nothing (S0-31)."""
    texts = set()
    missing = str(uuid.uuid4())
    for plural, column in (
        ("opportunities", "companyId"),
        ("opportunities", "pointOfContactId"),
        ("opportunities", "ownerId"),
        ("tasks", "assigneeId"),
        ("noteTargets", "noteId"),
        ("taskTargets", "targetPersonId"),
    ):
        answer = twenty_sandbox.call("POST", f"/rest/batch/{plural}", [{}, {column: missing}])
        assert answer.status_code == 400
        (text,) = answer.json()["messages"]
        assert "violates foreign key constraint" in text
        texts.add(text)
        assert twenty_sandbox.call("GET", f"/rest/{plural}").json()["totalCount"] == 0
    assert len(texts) == 6


def test_history_of_what_was_made(twenty_sandbox: TwentySandbox) -> None:
    """One row per record made, one per link of a note; they go with the person (`twenty.md` 2)."""
    ids = graph(twenty_sandbox)
    path = f"/rest/timelineActivities?filter=targetPersonId[eq]:{ids['people']}"
    rows = twenty_sandbox.call("GET", path).json()["data"]["timelineActivities"]
    assert {row["name"] for row in rows} == {"person.created", "linked-note.created", "linked-task.created"}
    linked = next(row for row in rows if row["name"] == "linked-note.created")
    assert (linked["linkedRecordId"], linked["linkedRecordCachedName"]) == (ids["notes"], "N")
    twenty_sandbox.call("DELETE", f"/rest/people/{ids['people']}")
    assert twenty_sandbox.call("GET", path).json()["totalCount"] == 0


def test_options_keep_rows_only_by_their_ids(twenty_sandbox: TwentySandbox) -> None:
    """Options sent without ids reset every row to the default and leave updatedAt alone (`twenty.md` 0.7)."""
    deals = {stage: make(twenty_sandbox, "opportunities", stage=stage) for stage in ("MEETING", "CUSTOMER", "NEW")}
    before = {stage: read(twenty_sandbox, "opportunities", one) for stage, one in deals.items()}
    listed = twenty_sandbox.call("GET", "/rest/metadata/objects").json()["data"]
    deal = next(one for one in listed if one["nameSingular"] == "opportunity")
    stage = next(one for one in deal["fields"] if one["name"] == "stage")
    path, options = f"/rest/metadata/fields/{stage['id']}", stage["options"]
    renamed = [{**one, "value": "MET"} if one["value"] == "MEETING" else one for one in options]
    assert twenty_sandbox.call("PATCH", path, {"options": renamed}).status_code == 200
    assert [row["stage"] for one in deals.values() if (row := read(twenty_sandbox, "opportunities", one))] == [
        "MET",
        "CUSTOMER",
        "NEW",
    ]
    bare = [{key: part for key, part in one.items() if key != "id"} for one in renamed]
    assert twenty_sandbox.call("PATCH", path, {"options": bare}).status_code == 200
    after = {name: read(twenty_sandbox, "opportunities", one) for name, one in deals.items()}
    assert {row["stage"] for row in after.values() if row} == {"NEW"}
    assert [row["updatedAt"] for row in after.values() if row] == [row["updatedAt"] for row in before.values() if row]


def test_custom_objects_are_ready_at_once_and_go_with_their_ties(twenty_sandbox: TwentySandbox) -> None:
    """Made, filled, linked from a note, dropped: the target column is gone with the object (recording 12)."""
    body = {"nameSingular": "gadget", "namePlural": "gadgets", "labelSingular": "Gadget", "labelPlural": "Gadgets"}
    made = twenty_sandbox.call("POST", "/rest/metadata/objects", body)
    assert made.status_code == 201
    gadget, note = make(twenty_sandbox, "gadgets", name="g"), make(twenty_sandbox, "notes", title="n")
    target = make(twenty_sandbox, "noteTargets", noteId=note, targetGadgetId=gadget)
    assert twenty_sandbox.call("DELETE", f"/rest/gadgets/{gadget}").status_code == 501
    assert twenty_sandbox.call("DELETE", f"/rest/metadata/objects/{made.json()['id']}").status_code == 200
    assert twenty_sandbox.call("GET", "/rest/gadgets").status_code == 400
    row = read(twenty_sandbox, "noteTargets", target)
    assert row and "targetGadgetId" not in row


def test_attachments_without_files(twenty_sandbox: TwentySandbox) -> None:
    """A row without its file is taken; files are for another step."""
    note = make(twenty_sandbox, "notes", title="n")
    attachment = make(twenty_sandbox, "attachments", name="old", fullPath="attachment/x.txt", targetNoteId=note)
    row = read(twenty_sandbox, "attachments", attachment)
    assert row and (row["file"], row["fileCategory"], row["targetNoteId"]) == (None, "OTHER", note)
    refused = twenty_sandbox.call("POST", "/rest/attachments", {"file": [{"fileId": attachment, "label": "x"}]})
    assert refused.status_code == 501


def test_a_person_empties_and_fills_the_bin(twenty_sandbox: TwentySandbox) -> None:
    """Through the control port: a note goes into the bin and comes back with its targets (`twenty.md` 0.10)."""
    ids = graph(twenty_sandbox)
    for order, deleted in (("/rows/delete", True), ("/rows/restore", False)):
        twenty_sandbox.order(order, {"object": "note", "ids": [ids["notes"]]})
        note = read(twenty_sandbox, "notes", ids["notes"])
        target = read(twenty_sandbox, "noteTargets", ids["notePerson"])
        assert note and target
        assert (bool(note["deletedAt"]), bool(target["deletedAt"])) == (deleted, deleted)
        assert note["updatedBy"]["source"] == "MANUAL"
