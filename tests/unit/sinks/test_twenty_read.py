"""Reading, finding, removing, catalog and provisioning against scripted answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twenty_stub import COMPANY, Stub

from schemas.answers import Verdict, Weather
from schemas.catalog import Field, WantedField
from schemas.errors import LockgateError
from sinks.base import Reactor
from sinks.twenty import Settings, TwentySink, rest

A = "0b0fd5f1-9a3e-5d2b-8c35-0000000000aa"
B = "0b0fd5f1-9a3e-5d2b-8c35-0000000000bb"
C = "0b0fd5f1-9a3e-5d2b-8c35-0000000000cc"
BOTH = "or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)"


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A scripted server."""
    made = Stub()
    yield made
    made.close()


@pytest.fixture
def sink(stub: Stub) -> Iterator[TwentySink]:
    """An adapter that talks to it and never really waits."""
    made = TwentySink(Settings.model_validate({"url": stub.url, "key": "k", "timeout_s": 5}), pause=lambda _: None)
    yield made
    made.close()


def row(remote_id: str, deleted: str | None = None, **by: Any) -> dict[str, Any]:
    """A row of the server."""
    return {"id": remote_id, "deletedAt": deleted, "updatedBy": {"source": "API", "name": "k", **by}}


def listed(rows: list[dict[str, Any]], cursor: str | None = None) -> dict[str, Any]:
    """A page of a list."""
    return {"data": {"companies": rows}, "pageInfo": {"hasNextPage": cursor is not None, "endCursor": cursor}}


def nothing() -> None:
    """A hook that lets go."""


def test_a_read_sees_deleted_rows_and_who_edited_them(stub: Stub, sink: TwentySink) -> None:
    """The filter names deletedAt; a person's edit is MANUAL with a member (twenty.md 0.10, 1.7; H-39)."""
    stub.say(
        200,
        listed(
            [
                row(A, "2026-01-01T00:00:00.000Z"),
                row(B, source="MANUAL", workspaceMemberId=C, name="Ada"),
                row(C, source="MANUAL", workspaceMemberId=None, name="System"),
            ]
        ),
    )
    found = sink.read("company", [A, B, C])
    assert not isinstance(found, Weather)
    told = {key: (one.deleted, one.edited_by_person) for key, one in found.items()}
    assert told == {A: (True, False), B: (False, True), C: (False, False)}
    assert stub.asked[0].path == f"/rest/companies?limit=200&filter=id[in]:[{A},{B},{C}],{BOTH}"


def test_a_read_follows_pages_and_leaves_absent_ids_out(stub: Stub, sink: TwentySink) -> None:
    """Old versions cap a page at 60 without a word (twenty.md 1.7)."""
    stub.say(200, listed([row(A)], "next"))
    stub.say(200, listed([row(B)]))
    found = sink.read("company", [A.upper(), B, C])
    assert not isinstance(found, Weather)
    assert set(found) == {A.upper(), B}
    assert stub.asked[1].path.endswith("&starting_after=next")


def test_a_request_line_stays_below_eight_kilobytes() -> None:
    """A usual reverse proxy takes no longer one; 200 ids fit (twenty.md 1.7)."""
    ids = [f"0b0fd5f1-9a3e-5d2b-8c35-{number:012x}" for number in range(450)]
    sizes = [len(some) for some in rest.chunks(ids + ids)]
    assert sizes == [200, 200, 50]
    assert len(f"GET /rest/companies?limit=200&filter={rest.ids_filter(ids[:200])},{BOTH} HTTP/1.1") < 7800


@pytest.mark.parametrize("ids", [[], ["x"], [A, "a]),or(id[is]:NOT_NULL"]])
def test_a_filter_of_ids_holds_ids_only(ids: list[str]) -> None:
    """A filter that is empty or widened would delete other rows (twenty.md 1.6)."""
    with pytest.raises(ValueError, match="UUID"):
        rest.ids_filter(ids)


def test_a_lost_read_is_weather(stub: Stub, sink: TwentySink) -> None:
    """Nothing was applied: wait and ask again (law 4)."""
    stub.say(504, b"<html>")
    assert isinstance(sink.read("company", [A]), Weather)


def test_remove_is_one_soft_delete_and_what_it_did_not_name_was_not_there(stub: Stub, sink: TwentySink) -> None:
    """The plain DELETE destroys: soft_delete is always there (twenty.md 1.6)."""
    stub.say(200, {"data": {"deleteCompanies": [row(A, "2026-01-01T00:00:00.000Z")]}})
    answers = sink.remove("company", [A, B, C, "no-id"], nothing)
    assert not isinstance(answers, Weather)
    told = {key: answer.verdict for key, answer in answers.items()}
    assert told == {A: Verdict.REMOVED, B: Verdict.MISSING, C: Verdict.MISSING, "no-id": Verdict.MISSING}
    (asked,) = stub.asked
    assert (asked.method, asked.path) == (
        "DELETE",
        f"/rest/companies?filter=id[in]:[{A},{B},{C}]&soft_delete=true",
    )


@pytest.mark.parametrize("legacy", [False, True])
def test_the_catalog_is_read_in_both_formats(stub: Stub, sink: TwentySink, legacy: bool) -> None:
    """By workspace flag: `{data: [...]}` or `{data: {objects: [...]}}` (twenty.md 3.1)."""
    relation = {"name": "accountOwner", "type": "RELATION", "applicationId": "std"}
    relation["settings"] = {"relationType": "MANY_TO_ONE", "joinColumnName": "accountOwnerId"}  # type: ignore[assignment]
    select = {"name": "tier", "type": "SELECT", "applicationId": "own", "options": [{"value": "GOLD"}]}
    off = {"name": "old", "type": "TEXT", "applicationId": "own", "isActive": False}
    member = {"id": "m", "nameSingular": "workspaceMember", "namePlural": "workspaceMembers", "applicationId": "std"}
    company = {**COMPANY, "fields": [*COMPANY["fields"], relation, select, off]}  # type: ignore[misc]
    objects = [company, {**member, "fields": []}]
    stub.catalog = {"data": {"objects": objects} if legacy else objects, "pageInfo": {"hasNextPage": False}}
    there = sink.catalog()
    assert sorted(there) == ["company", "workspaceMember"]
    fields = there["company"].fields
    assert there["company"].plural == "companies"
    assert fields["domainName"] == Field(name="domainName", type="LINKS", unique=True)
    assert fields["tier"] == Field(name="tier", type="SELECT", custom=True, options=("GOLD",))
    assert fields["accountOwnerId"].type == "RELATION"
    assert "old" not in fields


def test_an_answer_of_another_shape_is_told(stub: Stub, sink: TwentySink) -> None:
    """A JSON API that is no Twenty: LG-0503 with what it said, not a KeyError."""
    stub.catalog = {"results": []}
    with pytest.raises(LockgateError) as raised:
        sink.catalog()
    assert raised.value.code == "LG-0503"


def test_reactors_are_active_triggers_with_their_workflows_name(stub: Stub, sink: TwentySink) -> None:
    """person.upserted of a fresh workspace would make a company for every person (twenty.md 0.6, 10)."""
    triggers = [
        {"id": "t1", "type": "DATABASE_EVENT", "settings": {"eventName": "person.upserted"}, "workflowId": A},
        {"id": "t2", "type": "DATABASE_EVENT", "settings": '{"eventName": "company.created"}', "workflowId": B},
        {"id": "t3", "type": "DATABASE_EVENT", "settings": {"eventName": "note.created"}, "workflowId": B},
        {"id": "t4", "type": "CRON", "settings": {"pattern": "* * * * *"}, "workflowId": B},
    ]
    stub.say(200, {"data": {"workflowAutomatedTriggers": triggers}})
    stub.say(200, {"data": {"workflows": [{"id": A, "name": "Create company"}]}})
    assert sink.reactors(["company", "person"]) == [
        Reactor(id="t1", name="Create company", event="person.upserted"),
        Reactor(id="t2", name=B, event="company.created"),
    ]


def test_a_server_without_workflows_has_no_reactors(stub: Stub, sink: TwentySink) -> None:
    """Old versions lack the object (twenty.md 1.1: object not found)."""
    stub.say(400, {"statusCode": 400, "messages": ["object 'workflowAutomatedTriggers' not found. eg: companies"]})
    assert sink.reactors(["company"]) == []


def test_a_missing_object_is_not_taken_for_missing_rows(stub: Stub, sink: TwentySink) -> None:
    """Read as "no rows" it would look as if a person had deleted every record."""
    stub.say(400, {"statusCode": 400, "messages": ["object 'companies' not found. eg: people"]})
    with pytest.raises(LockgateError) as raised:
        sink.read("company", [A])
    assert raised.value.code == "LG-0503"


def test_an_operators_call_waits_out_a_limit(stub: Stub, sink: TwentySink) -> None:
    """A preflight next to other traffic is not a reason to fail; it waits what the answer says."""
    stub.say(429, {"statusCode": 429, "messages": ["Limit reached (100 tokens per 60000 ms)"]})
    stub.say(200, {"data": {"workspaceMembers": [{"id": A, "userEmail": "Ada@X.example"}]}})
    assert [(one.id, one.email) for one in sink.members()] == [(A, "ada@x.example")]


WANTED = WantedField(object="company", name="legacyId", type="TEXT", label="Legacy id")


def with_field(kind: str = "TEXT") -> dict[str, Any]:
    """The catalog with the field in it."""
    made = {"name": "legacyId", "type": kind, "applicationId": "own"}
    return {"data": [{**COMPANY, "fields": [*COMPANY["fields"], made]}]}  # type: ignore[misc]


def test_a_field_of_another_type_is_told_before_anything_is_made(stub: Stub, sink: TwentySink) -> None:
    """LG-0406 names the field and both types."""
    stub.catalog = with_field("NUMBER")
    other = WantedField(object="company", name="other", type="TEXT", label="Other")
    with pytest.raises(LockgateError) as raised:
        sink.provision([other, WANTED])
    assert (raised.value.code, stub.asked) == ("LG-0406", [])
    assert raised.value.details == ("company.legacyId is NUMBER, the plan needs TEXT",)


def test_a_field_the_server_refuses_is_told_in_its_words(stub: Stub, sink: TwentySink) -> None:
    """LG-0504; reserved names and bad ones are refused (twenty.md 3.3)."""
    failed = {"errors": [{"code": "INVALID_FIELD_INPUT", "message": "This name is reserved."}]}
    stub.say(400, {"error": "METADATA_VALIDATION_ERROR", "message": "m", "errors": {"fieldMetadata": [failed]}})
    with pytest.raises(LockgateError, match="This name is reserved") as raised:
        sink.provision([WANTED])
    assert raised.value.code == "LG-0504"


def test_a_field_somebody_else_just_made_is_not_ours(stub: Stub, sink: TwentySink) -> None:
    """NOT_AVAILABLE = it exists: read again, and make nothing (twenty.md 3.3)."""
    failed = {"errors": [{"code": "NOT_AVAILABLE", "message": "used"}]}
    stub.say(400, {"error": "METADATA_VALIDATION_ERROR", "errors": {"fieldMetadata": [failed]}})
    stub.say(200, listed([]))
    stub.catalogs.append(stub.catalog)
    stub.catalog = with_field()
    assert sink.provision([WANTED]) == []


def test_a_fault_after_a_field_was_made_is_settled_by_the_read_back(stub: Stub, sink: TwentySink) -> None:
    """A 502 tells nothing: the field may be there; nobody is told that it was refused."""
    stub.say(502, b"<html>Bad Gateway</html>")
    stub.say(200, listed([]))
    stub.catalogs.append(stub.catalog)
    stub.catalog = with_field()
    assert sink.provision([WANTED]) == []


def test_a_lagging_process_is_waited_for(stub: Stub, sink: TwentySink) -> None:
    """Another process of the server may know the field 10 s later: it is asked until it does (twenty.md 3.2)."""
    stub.say(201, {"id": "f", "name": "legacyId"})
    stub.say(400, {"statusCode": 400, "messages": ['Object company doesn\'t have any "legacyId" field.']})
    stub.say(200, listed([]))
    stub.catalogs.append(stub.catalog)
    stub.catalog = with_field()
    assert sink.provision([WANTED]) == [WANTED]
    assert [one.method for one in stub.asked] == ["POST", "GET", "GET"]


def test_find_asks_for_stored_forms_and_compares_hard_ones_here(stub: Stub, sink: TwentySink) -> None:
    """The filter splits at commas whatever the quotes: such a value is looked for by what stands before it."""
    comma = "https://y.example/a,b"
    held = {"domainName": {"primaryLinkUrl": "https://x.example"}}
    stub.say(200, listed([{**row(B), "domainName": {"primaryLinkUrl": "https://y.example/a"}}]))
    stub.say(200, listed([{**row(A, "2026-01-01T00:00:00.000Z"), **held}]))
    found = sink.find("company", "domainName.primaryLinkUrl", [comma, "HTTPS://X.example/"])
    assert not isinstance(found, Weather)
    assert {key: (one.remote_id, one.deleted) for key, one in found.items()} == {"HTTPS://X.example/": (A, True)}
    path = "/rest/companies?limit=200&filter=domainName.primaryLinkUrl"
    assert [one.path for one in stub.asked] == [
        f'{path}[startsWith]:"https://y.example/a",{BOTH}',
        f'{path}[in]:["https://x.example"],{BOTH}',
    ]


def test_a_row_that_holds_the_keys_text_is_left_as_it_is(stub: Stub) -> None:
    """Only error texts are cleaned of the key: a row is data (law 8)."""
    key = "x" * 20
    sink = TwentySink(Settings.model_validate({"url": stub.url, "key": key}))
    stub.say(200, listed([{**row(A), "name": key}]))
    stub.say(400, {"statusCode": 400, "messages": [f"no {key}"]})
    found = sink.read("company", [A])
    with pytest.raises(LockgateError) as raised:
        sink.read("company", [A])
    sink.close()
    assert not isinstance(found, Weather)
    assert found[A].row["name"] == key
    assert key not in str(raised.value)
