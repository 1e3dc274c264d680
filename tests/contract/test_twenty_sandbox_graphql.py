"""GraphQL of the Twenty stand-in beyond the recordings: conflicts, caps, cursors, roots (`twenty.md` 1, 5, 6)."""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
import twenty_kit
from twenty_kit import TwentySandbox


def ask(sandbox: TwentySandbox, query: str, path: str = "/graphql", **variables: Any) -> dict[str, Any]:
    """The body of an answer, which is always HTTP 200."""
    answer = sandbox.call("POST", path, {"query": query, "variables": variables})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def companies(sandbox: TwentySandbox, count: int) -> None:
    """Rows called c0, c1, …"""
    for start in range(0, count, 200):
        batch = [{"name": f"c{number}"} for number in range(start, min(count, start + 200))]
        assert sandbox.call("POST", "/rest/batch/companies", batch).status_code == 201


CREATE = "mutation C($d:PersonCreateInput!){createPerson(data:$d){id}}"


def test_only_graphql_names_the_conflicting_record(twenty_sandbox: TwentySandbox) -> None:
    """The living holder of the value, with the field's label; REST says nothing, nor does GraphQL of a binned one."""
    person = {"id": str(uuid.uuid4()), "emails": {"primaryEmail": "a@b.example"}}
    ask(twenty_sandbox, CREATE, d=person)
    again = {"emails": {"primaryEmail": "A@b.example"}}
    rest = twenty_sandbox.call("POST", "/rest/people", again)
    assert rest.json() == {
        "statusCode": 400,
        "error": "BadRequestException",
        "messages": ["A duplicate entry was detected"],
    }
    (error,) = ask(twenty_sandbox, CREATE, d=again)["errors"]
    assert error == {
        "message": "A duplicate entry was detected",
        "extensions": {
            "userFriendlyMessage": "This Emails value is already in use. Please check your data and try again.",
            "conflictingRecordId": person["id"],
            "conflictingObjectNameSingular": "person",
            "code": "BAD_USER_INPUT",
        },
    }
    twenty_sandbox.call("DELETE", f"/rest/people/{person['id']}?soft_delete=true")
    (error,) = ask(twenty_sandbox, CREATE, d=again)["errors"]
    assert "conflictingRecordId" not in error["extensions"]


def test_reads_are_not_capped_but_updates_are(twenty_sandbox: TwentySandbox) -> None:
    """first:500 gives 405 and the default 200; updateMany stops at 200; destroying everything does not (1.6, 1.7)."""
    companies(twenty_sandbox, 405)
    whole = ask(twenty_sandbox, "query{companies(first:500){edges{node{id}}}}")["data"]["companies"]["edges"]
    usual = ask(twenty_sandbox, "query{companies{totalCount edges{node{id}}}}")["data"]["companies"]
    assert (len(whole), len(usual["edges"]), usual["totalCount"]) == (405, 200, 405)
    update = "mutation U($f:CompanyFilterInput!,$d:CompanyUpdateInput!){updateCompanies(filter:$f,data:$d){id}}"
    (error,) = ask(twenty_sandbox, update, f={}, d={"name": "x"})["errors"]
    assert error["message"] == "Cannot update more than 200 records at once"
    assert error["extensions"]["subCode"] == "TOO_MANY_RECORDS_TO_UPDATE"
    destroy = "mutation D($f:CompanyFilterInput!){destroyCompanies(filter:$f){id}}"
    assert len(ask(twenty_sandbox, destroy, f={})["data"]["destroyCompanies"]) == 405


def test_a_cursor_holds_only_what_is_selected(twenty_sandbox: TwentySandbox) -> None:
    """Ordered by a field that is not selected, a cursor has the id alone and cannot be followed (recording 13)."""
    companies(twenty_sandbox, 5)
    page = "query P($a:String){companies(first:2,after:$a,orderBy:[{name:AscNullsFirst}])"
    bare = ask(twenty_sandbox, page + "{pageInfo{endCursor} edges{node{id}}}}")["data"]["companies"]
    cursor = bare["pageInfo"]["endCursor"]
    assert set(json.loads(base64.b64decode(cursor))) == {"id"}
    followed = twenty_sandbox.call("POST", "/graphql", {"query": page + "{totalCount}}", "variables": {"a": cursor}})
    assert followed.status_code == 501
    selected = page + "{pageInfo{endCursor hasNextPage} edges{node{id name}}}}"
    names, after = [], None
    while True:
        found = ask(twenty_sandbox, selected, **({"a": after} if after else {}))["data"]["companies"]
        names += [edge["node"]["name"] for edge in found["edges"]]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break
    assert names == [f"c{number}" for number in range(5)]


def test_binned_rows_are_seen_when_named(twenty_sandbox: TwentySandbox) -> None:
    """`{or:[{deletedAt:{is:"NULL"}},{deletedAt:{is:"NOT_NULL"}}]}` gives both (`twenty.md` 1.7)."""
    companies(twenty_sandbox, 3)
    delete = "mutation D($f:CompanyFilterInput!){deleteCompanies(filter:$f){id deletedAt}}"
    gone = ask(twenty_sandbox, delete, f={"name": {"in": ["c0", "c1"]}})["data"]["deleteCompanies"]
    assert len(gone) == 2 and all(row["deletedAt"] for row in gone)
    count = "query F($f:CompanyFilterInput){companies(filter:$f){totalCount}}"
    both = {"or": [{"deletedAt": {"is": "NULL"}}, {"deletedAt": {"is": "NOT_NULL"}}]}
    named = {"and": [{"name": {"startsWith": "c"}}, both]}
    assert ask(twenty_sandbox, count, f={"name": {"startsWith": "c"}})["data"]["companies"]["totalCount"] == 1
    assert ask(twenty_sandbox, count, f=named)["data"]["companies"]["totalCount"] == 3


def test_roots_are_independent_and_each_costs_a_token(tmp_path: Path) -> None:
    """The first root is kept when the second fails; a third finds the bucket empty (`twenty.md` 1.1 and 5)."""
    sandbox = twenty_kit.start(tmp_path, "--limit", "2")
    try:
        query = 'mutation{createCompany(data:{name:"a"}){id} createTask(data:{x:1}){id} createNote(data:{}){id}}'
        body = ask(sandbox, query)
        assert body["data"]["createCompany"]["id"] and body["data"]["createTask"] is None
        assert [one["extensions"]["subCode"] for one in body["errors"]] == ["INVALID_ARGS_DATA", "LIMIT_REACHED"]
    finally:
        sandbox.stop()


def test_what_cannot_be_selected_is_refused_before_it_is_written(twenty_sandbox: TwentySandbox) -> None:
    """A 501 leaves nothing behind."""
    query = {"query": 'mutation{createCompany(data:{name:"a"}){id people{edges{node{id}}}}}'}
    assert twenty_sandbox.call("POST", "/graphql", query).status_code == 501
    assert twenty_sandbox.call("GET", "/rest/companies").json()["totalCount"] == 0


@pytest.mark.parametrize("name", ["opportunity", "task", "note", "taskTarget", "noteTarget"])
def test_every_new_object_lives_and_dies_over_graphql(twenty_sandbox: TwentySandbox, name: str) -> None:
    """Create, upsert, update, delete, restore, destroy of one record."""
    capital, row_id = name[0].upper() + name[1:], str(uuid.uuid4())
    field = "title" if name in {"task", "note"} else "name" if name == "opportunity" else "position"
    value = 3 if field == "position" else "x"
    made = ask(twenty_sandbox, f"mutation C($d:X!){{create{capital}(data:$d){{id}}}}", d={"id": row_id})
    assert made["data"] == {f"create{capital}": {"id": row_id}}
    again = f"mutation C($d:X!){{create{capital}(data:$d,upsert:true){{{field}}}}}"
    assert ask(twenty_sandbox, again, d={"id": row_id, field: value})["data"][f"create{capital}"] == {field: value}
    for verb, deleted in (("delete", True), ("restore", False)):
        answer = ask(twenty_sandbox, f"mutation M($i:UUID!){{{verb}{capital}(id:$i){{deletedAt}}}}", i=row_id)
        assert bool(answer["data"][f"{verb}{capital}"]["deletedAt"]) is deleted
    gone = ask(twenty_sandbox, f"mutation M($i:UUID!){{destroy{capital}(id:$i){{id}}}}", i=row_id)
    assert gone["data"] == {f"destroy{capital}": {"id": row_id}}
    found = ask(twenty_sandbox, f"query F($f:X){{{name}(filter:$f){{id}}}}", f={"id": {"eq": row_id}})
    assert found["errors"][0]["extensions"]["subCode"] == "RECORD_NOT_FOUND"
