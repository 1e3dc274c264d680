"""Record and metadata rules of the Twenty stand-in that no recording replays, from the reference page."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import requests
from twenty_kit import TwentySandbox


def made(sandbox: TwentySandbox, plural: str, body: dict[str, Any]) -> dict[str, Any]:
    """A record created by API."""
    answer = sandbox.call("POST", f"/rest/{plural}", body)
    assert answer.status_code == 201, answer.text
    (row,) = answer.json()["data"].values()
    return dict(row)


def names(sandbox: TwentySandbox, query: str) -> list[str]:
    """Names of the companies a query lists."""
    answer = sandbox.call("GET", f"/rest/companies?{query}")
    assert answer.status_code == 200, answer.text
    return [row["name"] for row in answer.json()["data"]["companies"]]


def object_id(sandbox: TwentySandbox, name: str) -> str:
    """Metadata id of an object."""
    listed = sandbox.call("GET", "/rest/metadata/objects").json()["data"]
    return str(next(one["id"] for one in listed if one["nameSingular"] == name))


def test_an_edit_by_a_person_shows(twenty_sandbox: TwentySandbox) -> None:
    """A person's edit is updatedBy MANUAL with the member's id, and can be found by filter (`twenty.md` 0.10)."""
    member = twenty_sandbox.order("/members", {"userEmail": "tim@apple.dev", "firstName": "Tim"})
    row = made(twenty_sandbox, "companies", {"name": "ours"})
    made(twenty_sandbox, "companies", {"name": "untouched"})
    edit = {"object": "company", "rows": [{"id": row["id"], "name": "theirs"}], "member": member["id"]}
    twenty_sandbox.order("/rows", edit)
    found = twenty_sandbox.call("GET", f"/rest/companies/{row['id']}").json()["data"]["company"]
    actor = {"source": "MANUAL", "workspaceMemberId": member["id"], "name": "Tim", "context": None}
    assert (found["name"], found["updatedBy"], found["createdBy"]["source"]) == ("theirs", actor, "API")
    assert names(twenty_sandbox, "filter=updatedBy.source[neq]:API") == ["theirs"]
    assert names(twenty_sandbox, "filter=updatedBy.source[eq]:MANUAL") == ["theirs"]


def test_soft_deleted_rows_are_seen_only_when_named(twenty_sandbox: TwentySandbox) -> None:
    """deletedAt in the filter, also inside or(), brings soft-deleted rows back into sight (S0-55)."""
    gone = made(twenty_sandbox, "companies", {"name": "gone"})
    made(twenty_sandbox, "companies", {"name": "here"})
    twenty_sandbox.order("/rows/delete", {"object": "company", "ids": [gone["id"]]})
    both = 'filter=updatedAt[gte]:"2000-01-01T00:00:00Z",or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)'
    assert names(twenty_sandbox, "") == ["here"]
    assert sorted(names(twenty_sandbox, both)) == ["gone", "here"]
    assert names(twenty_sandbox, f"filter=id[in]:[{gone['id']}],deletedAt[is]:NOT_NULL") == ["gone"]
    assert names(twenty_sandbox, f"filter=id[in]:[{gone['id']}]") == []


def test_filters_combine(twenty_sandbox: TwentySandbox) -> None:
    """and, or, not and the comparators."""
    for name in ("alpha", "beta", "gamma"):
        made(twenty_sandbox, "companies", {"name": name, "annualRevenue": {"amountMicros": len(name)}})
    ordered = "&order_by=name[DescNullsLast]"
    assert names(twenty_sandbox, 'filter=not(name[eq]:"beta")' + ordered) == ["gamma", "alpha"]
    assert names(twenty_sandbox, 'filter=and(name[gt]:"alpha",name[lt]:"gamma")') == ["beta"]
    assert names(twenty_sandbox, 'filter=or(name[like]:"%25lph%25",name[endsWith]:"mma")' + ordered) == [
        "gamma",
        "alpha",
    ]
    assert names(twenty_sandbox, "filter=annualRevenue.amountMicros[lte]:4") == ["beta"]


def test_paging_meets_every_row_once(twenty_sandbox: TwentySandbox) -> None:
    """Cursors by updatedAt and id, over rows with equal times."""
    batch = [{"name": f"n{number}", "updatedAt": "2020-01-01T00:00:00Z"} for number in range(25)]
    twenty_sandbox.call("POST", "/rest/batch/companies", batch)
    seen: list[str] = []
    cursor = ""
    for _ in range(9):
        query = f"limit=3&order_by=updatedAt[AscNullsFirst],id[AscNullsFirst]{cursor}"
        page = twenty_sandbox.call("GET", f"/rest/companies?{query}").json()
        seen += [row["id"] for row in page["data"]["companies"]]
        cursor = f"&starting_after={page['pageInfo']['endCursor'].replace('=', '%3D')}"
    assert (len(seen), len(set(seen)), page["pageInfo"]["hasNextPage"]) == (25, 25, False)
    assert seen == sorted(seen)


def test_upsert_meets_email_and_id(twenty_sandbox: TwentySandbox) -> None:
    """A person of another id with the same address is taken over, and the id sent is dropped (H-38, S0-55)."""
    theirs = made(twenty_sandbox, "people", {"emails": {"primaryEmail": "x@y.example"}})
    ours = {"id": str(uuid.uuid4()), "jobTitle": "ours", "emails": {"primaryEmail": "X@Y.example"}}
    found = made(twenty_sandbox, "people?upsert=true", ours)
    assert (found["id"], found["jobTitle"]) == (theirs["id"], "ours")
    plain = twenty_sandbox.call("POST", "/rest/people", ours)
    assert (plain.status_code, plain.json()["messages"]) == (400, ["A duplicate entry was detected"])


def test_two_rows_of_a_batch_meet_one_row(twenty_sandbox: TwentySandbox) -> None:
    """Both are applied and the last wins (`twenty.md` 1.3)."""
    row = made(twenty_sandbox, "companies", {"name": "a"})
    batch = [{"id": row["id"], "name": "b"}, {"id": row["id"], "name": "c"}]
    answer = twenty_sandbox.call("POST", "/rest/batch/companies?upsert=true", batch)
    assert [one["name"] for one in answer.json()["data"]["createCompanies"]] == ["c"]


def test_null_inside_emails_is_refused(twenty_sandbox: TwentySandbox) -> None:
    """A JSON null among the additional addresses is a 400 that names the field."""
    answer = twenty_sandbox.call("POST", "/rest/people", {"emails": {"additionalEmails": [None]}})
    text = 'Invalid value [ null ] for field "emails.additionalEmails - Array values need to be string"'
    assert (answer.status_code, answer.json()["messages"]) == (400, [text])


def test_incomplete_json(twenty_sandbox: TwentySandbox) -> None:
    """The framework's own error shape: `message`."""
    headers = {"Authorization": f"Bearer {twenty_sandbox.key}", "Content-Type": "application/json"}
    answer = requests.post(twenty_sandbox.url + "/rest/companies", data='{"name":', headers=headers, timeout=30)
    expected = {"message": "Unexpected end of JSON input", "error": "Bad Request", "statusCode": 400}
    assert (answer.status_code, answer.json()) == (400, expected)


def test_owner_by_mail(twenty_sandbox: TwentySandbox) -> None:
    """connect by userEmail finds a member; nobody is a 400 (S0-33)."""
    member = twenty_sandbox.order("/members", {"userEmail": "jo@example.com"})
    connect = {"name": "c", "accountOwner": {"connect": {"where": {"userEmail": "jo@example.com"}}}}
    assert made(twenty_sandbox, "companies", connect)["accountOwnerId"] == member["id"]
    connect["accountOwner"] = {"connect": {"where": {"userEmail": "no@example.com"}}}
    answer = twenty_sandbox.call("POST", "/rest/companies", connect)
    text = "Expected 1 record to connect to workspaceMember, but found 0 for userEmail = no@example.com"
    assert (answer.status_code, answer.json()["messages"]) == (400, [text])


def test_a_workflow_shows_its_trigger(twenty_sandbox: TwentySandbox) -> None:
    """Active: a DATABASE_EVENT trigger row; inactive: none. A key can soft-delete the row (`twenty.md` 10)."""
    made_of = {"name": "Create company when adding a new person", "event": "person.upserted", "fields": ["emails"]}
    active = twenty_sandbox.order("/workflows", made_of)
    twenty_sandbox.order("/workflows", {"name": "asleep", "event": "company.created", "active": False})
    rows = twenty_sandbox.call("GET", "/rest/workflowAutomatedTriggers").json()["data"]["workflowAutomatedTriggers"]
    assert [(row["type"], row["settings"]["eventName"], row["workflowId"]) for row in rows] == [
        ("DATABASE_EVENT", "person.upserted", active["workflow"]["id"])
    ]
    path = f"/rest/workflowAutomatedTriggers/{rows[0]['id']}"
    assert twenty_sandbox.call("DELETE", path + "?soft_delete=true").status_code == 200
    assert twenty_sandbox.call("GET", "/rest/workflowAutomatedTriggers").json()["totalCount"] == 0


def test_options_without_ids_reset_every_row(twenty_sandbox: TwentySandbox) -> None:
    """With ids an option is renamed with its rows; without, every row falls back (`twenty.md` 0.7)."""
    field = {"objectMetadataId": object_id(twenty_sandbox, "company"), "type": "SELECT", "name": "tier", "label": "T"}
    options = [{"label": "Gold", "value": "GOLD", "color": "red", "position": 0}]
    options += [{"label": "Silver", "value": "SILVER", "color": "red", "position": 1}]
    raw = twenty_sandbox.call("POST", "/rest/metadata/fields", {**field, "options": options}).json()
    row = made(twenty_sandbox, "companies", {"name": "x", "tier": "GOLD"})
    path = f"/rest/metadata/fields/{raw['id']}"
    renamed = [{**raw["options"][0], "value": "FIRST"}, raw["options"][1]]
    assert twenty_sandbox.call("PATCH", path, {"options": renamed}).status_code == 200
    after = twenty_sandbox.call("GET", f"/rest/companies/{row['id']}").json()["data"]["company"]
    assert (after["tier"], after["updatedAt"]) == ("FIRST", row["updatedAt"])
    bare = [{key: part for key, part in one.items() if key != "id"} for one in renamed]
    assert twenty_sandbox.call("PATCH", path, {"options": bare}).status_code == 200
    assert twenty_sandbox.call("GET", f"/rest/companies/{row['id']}").json()["data"]["company"]["tier"] is None


def test_a_unique_index_over_duplicates(twenty_sandbox: TwentySandbox) -> None:
    """500 with a bare text, and the field stays as it was; over distinct values it holds from then on."""
    field = {"objectMetadataId": object_id(twenty_sandbox, "company"), "type": "TEXT", "name": "code", "label": "C"}
    raw = twenty_sandbox.call("POST", "/rest/metadata/fields", field).json()
    rows = [made(twenty_sandbox, "companies", {"code": "X"}) for _ in range(2)]
    refused = twenty_sandbox.call("PATCH", f"/rest/metadata/fields/{raw['id']}", {"isUnique": True})
    assert refused.status_code == 500
    assert refused.json().startswith("Migration action 'create' for 'index'")
    twenty_sandbox.call("PATCH", f"/rest/companies/{rows[1]['id']}", {"code": "Y"})
    assert twenty_sandbox.call("PATCH", f"/rest/metadata/fields/{raw['id']}", {"isUnique": True}).status_code == 200
    assert twenty_sandbox.call("POST", "/rest/companies", {"code": "Y"}).status_code == 400
    assert twenty_sandbox.call("DELETE", f"/rest/metadata/fields/{raw['id']}").json()["name"] == "code"
    assert twenty_sandbox.call("POST", "/rest/companies", {"code": "Z"}).status_code == 400


def test_standard_fields_cannot_be_dropped_or_renamed(twenty_sandbox: TwentySandbox) -> None:
    """403 FIELD_MUTATION_NOT_ALLOWED; a label can be overridden."""
    listed = twenty_sandbox.call("GET", "/rest/metadata/objects").json()["data"]
    company = next(one for one in listed if one["nameSingular"] == "company")
    path = f"/rest/metadata/fields/{next(one['id'] for one in company['fields'] if one['name'] == 'name')}"
    dropped = twenty_sandbox.call("DELETE", path)
    assert (dropped.status_code, dropped.json()["messages"]) == (403, ['Cannot delete standard field "name"'])
    renamed = twenty_sandbox.call("PATCH", path, {"name": "title"})
    assert (renamed.status_code, renamed.json()["code"]) == (403, "FIELD_MUTATION_NOT_ALLOWED")
    relabelled = twenty_sandbox.call("PATCH", path, {"label": "Title"}).json()
    assert (relabelled["label"], relabelled["overrides"]) == ("Name", {"label": "Title"})


def test_metadata_pages_by_object_id(twenty_sandbox: TwentySandbox) -> None:
    """The new format: `{data, pageInfo, totalCount}` with object ids as cursors."""
    first = twenty_sandbox.call("GET", "/rest/metadata/objects?limit=2").json()
    cursor = first["pageInfo"]["endCursor"]
    rest = twenty_sandbox.call("GET", f"/rest/metadata/objects?limit=40&starting_after={cursor}").json()
    assert cursor == first["data"][1]["id"]
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"], rest["totalCount"]) == (True, False, 28)
    assert len({one["id"] for one in first["data"] + rest["data"]}) == 28


def test_openapi_follows_the_metadata(twenty_sandbox: TwentySandbox) -> None:
    """A field just made is in the document."""
    field = {"objectMetadataId": object_id(twenty_sandbox, "person"), "type": "TEXT", "name": "legacyId", "label": "L"}
    twenty_sandbox.call("POST", "/rest/metadata/fields", field)
    document = twenty_sandbox.call("GET", "/rest/open-api/core").json()
    assert "/batch/people" in document["paths"]
    assert {"legacyId", "companyId"} <= set(document["components"]["schemas"]["Person"]["properties"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/rest/messageThreads", None),
        ("POST", "/rest/people/duplicates", {"data": []}),
        ("GET", "/rest/companies?filter=name[is]:NULL", None),
        ("GET", "/rest/metadata/apiKeys", None),
        ("POST", "/rest/metadata/webhooks", {"targetUrl": "http://example.com/x", "operations": ["company.*"]}),
        ("POST", "/rest/metadata/webhooks", {"targetUrl": "http://127.0.0.1:1/x", "operations": ["*.*"]}),
        ("GET", '/rest/people/groupBy?group_by=[{"jobTitle":true}]', None),
        ("POST", "/rest/tasks", {"bodyV2": {"markdown": "> quoted"}}),
        ("POST", "/rest/tasks", {"bodyV2": {"markdown": "a", "blocknote": "[]"}}),
        ("POST", "/graphql", {"query": "query{companies{edges{node{people{edges{node{id}}}}}}}"}),
        ("POST", "/graphql", {"query": "mutation{mergeCompanies(ids:[]){id}}"}),
        ("POST", "/metadata", {"query": "query{currentUser{id}}"}),
        ("POST", "/rest/workflows", {"name": "x"}),
        ("GET", "/client-config", None),
    ],
)
def test_what_is_not_known_is_not_guessed(twenty_sandbox: TwentySandbox, method: str, path: str, body: Any) -> None:
    """501 with the name of the missing capability."""
    answer = twenty_sandbox.call(method, path, body)
    assert answer.status_code == 501, answer.text
    assert answer.json()["capability"]


def test_four_hundred_ids_in_a_filter(twenty_sandbox: TwentySandbox) -> None:
    """A URL of 400 ids works, and a page still has 200 rows (`twenty.md` 1.7)."""
    ids = [str(uuid.uuid4()) for _ in range(400)]
    for start in (0, 200):
        batch = [{"id": one, "name": "x"} for one in ids[start : start + 200]]
        assert twenty_sandbox.call("POST", "/rest/batch/companies", batch).status_code == 201
    page = twenty_sandbox.call("GET", f"/rest/companies?limit=500&filter=id[in]:[{','.join(ids)}]").json()
    assert (len(page["data"]["companies"]), page["totalCount"], page["pageInfo"]["hasNextPage"]) == (200, 400, True)


@pytest.mark.parametrize("direction", ["AscNullsFirst", "AscNullsLast", "DescNullsFirst", "DescNullsLast"])
def test_nulls_are_ordered_as_told(twenty_sandbox: TwentySandbox, direction: str) -> None:
    """Every direction, paged one row at a time, agrees with the whole list."""
    for name, amount in (("a", 1), ("b", None), ("c", 3), ("d", None), ("e", 2)):
        made(twenty_sandbox, "companies", {"name": name, "annualRevenue": {"amountMicros": amount}})
    order = f"order_by=annualRevenue.amountMicros[{direction}],name"
    whole = names(twenty_sandbox, order)
    numbers = ["a", "e", "c"] if direction.startswith("Asc") else ["c", "e", "a"]
    assert whole == (["b", "d", *numbers] if direction.endswith("First") else [*numbers, "b", "d"])
    seen, cursor = [], ""
    for _ in range(5):
        page = twenty_sandbox.call("GET", f"/rest/companies?limit=1&{order}{cursor}").json()
        seen += [row["name"] for row in page["data"]["companies"]]
        cursor = "&starting_after=" + page["pageInfo"]["endCursor"].replace("=", "%3D").replace("+", "%2B")
    assert seen == whole


def test_nul_is_a_permanent_500(twenty_sandbox: TwentySandbox) -> None:
    """Nothing of the batch is stored."""
    answer = twenty_sandbox.call("POST", "/rest/batch/people", [{"jobTitle": "ok"}, {"jobTitle": "a\x00b"}])
    assert (answer.status_code, answer.json()["messages"]) == (500, ["Data validation error."])
    assert twenty_sandbox.call("GET", "/rest/people").json()["totalCount"] == 0
