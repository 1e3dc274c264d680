"""A workspace made by sign-up: sample rows that collide, and the workflow that moves people (`twenty.md` 0.6, 10)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import twenty_kit
from twenty_kit import TwentySandbox

TRIGGERS = "/rest/workflowAutomatedTriggers"


@pytest.fixture
def signed_up(tmp_path: Path) -> Iterator[TwentySandbox]:
    """A fresh sign-up workspace on an instance that runs code steps."""
    running = twenty_kit.start(tmp_path, "--sign-up", "--run-workflows-ms", "10")
    yield running
    running.stop()


def person_of(sandbox: TwentySandbox, row_id: str) -> dict[str, Any]:
    """The person as it is now."""
    found: dict[str, Any] = sandbox.call("GET", f"/rest/people/{row_id}").json()["data"]["person"]
    return found


def moved(sandbox: TwentySandbox, row_id: str, company: str | None) -> dict[str, Any]:
    """The person once its company is another one."""
    deadline = time.monotonic() + 10
    while person_of(sandbox, row_id)["companyId"] == company:
        assert time.monotonic() < deadline, "the workflow never ran"
    return person_of(sandbox, row_id)


def write(sandbox: TwentySandbox, email: str, **more: Any) -> tuple[str, str]:
    """A company of ours, and a person with an address who belongs to it."""
    company, person = str(uuid.uuid4()), str(uuid.uuid4())
    sandbox.call("POST", "/rest/companies", {"id": company, "name": "Ours"})
    row = {"id": person, "emails": {"primaryEmail": email}, "companyId": company, **more}
    assert sandbox.call("POST", "/rest/people", row).status_code == 201
    return person, company


def test_sample_rows_and_one_active_workflow(tmp_path: Path) -> None:
    """Five companies with real domains, five people, six deals by SYSTEM; one trigger; the same after a restart."""
    for _ in range(2):
        sandbox = twenty_kit.start(tmp_path, "--sign-up")
        try:
            counts = {}
            for plural in ("companies", "people", "opportunities", "workflows", "workflowAutomatedTriggers"):
                page = sandbox.call("GET", f"/rest/{plural}").json()
                counts[plural] = page["totalCount"]
                assert {row["createdBy"]["source"] for row in page["data"][plural]} == {"SYSTEM"}
            assert list(counts.values()) == [5, 5, 6, 2, 1]
            (trigger,) = sandbox.call("GET", TRIGGERS).json()["data"]["workflowAutomatedTriggers"]
            assert (trigger["type"], trigger["settings"]["eventName"]) == ("DATABASE_EVENT", "person.upserted")
            clash = {"domainName": {"primaryLinkUrl": "https://stripe.com"}}
            assert sandbox.call("POST", "/rest/companies", clash).status_code == 400
        finally:
            sandbox.stop()


def test_the_workflow_overwrites_the_company(signed_up: TwentySandbox) -> None:
    """A person sent with a company is moved to one made from the e-mail domain, whoever is said to have made it."""
    author = {"source": "IMPORT", "name": "Old CRM"}
    person, company = write(signed_up, "ada@lovelace.example", createdBy=author)
    row = moved(signed_up, person, company)
    made = signed_up.call("GET", f"/rest/companies/{row['companyId']}").json()["data"]["company"]
    assert (made["name"], made["domainName"]["primaryLinkUrl"]) == ("lovelace.example", "lovelace.example")
    assert (made["createdBy"]["source"], made["createdBy"]["name"]) == ("WORKFLOW", "Workflow")
    assert (row["updatedBy"]["source"], row["updatedBy"]["name"]) == ("APPLICATION", "Standard")
    signed_up.call("PATCH", f"/rest/people/{person}", {"companyId": company, "jobTitle": "x"})
    signed_up.call("PATCH", f"/rest/people/{person}", {"emails": {"primaryEmail": "ada@stripe.com"}})
    assert moved(signed_up, person, company)["companyId"] != row["companyId"]


def test_without_its_trigger_row_it_does_not_run(signed_up: TwentySandbox) -> None:
    """A soft-deleted trigger stops it and a restored one starts it again; mail synchronisation never sets it off."""
    (trigger,) = signed_up.call("GET", TRIGGERS).json()["data"]["workflowAutomatedTriggers"]
    assert signed_up.call("DELETE", f"{TRIGGERS}/{trigger['id']}?soft_delete=true").status_code == 200
    still, ours = write(signed_up, "a@one.example")
    restored = signed_up.call("PATCH", f"/rest/restore/workflowAutomatedTriggers?filter=id[eq]:{trigger['id']}")
    assert restored.status_code == 200
    synced, theirs = write(signed_up, "b@two.example", createdBy={"source": "EMAIL"})
    late, other = write(signed_up, "c@three.example")
    assert moved(signed_up, late, other)["companyId"] != other
    assert person_of(signed_up, still)["companyId"] == ours
    assert person_of(signed_up, synced)["companyId"] == theirs


def test_where_code_steps_are_disabled_nobody_is_moved(tmp_path: Path) -> None:
    """Default self-hosting: the workflow is listed as active, but only a flag makes it run."""
    sandbox = twenty_kit.start(tmp_path, "--sign-up")
    try:
        person, company = write(sandbox, "ada@lovelace.example")
        assert person_of(sandbox, person)["companyId"] == company
        assert sandbox.call("GET", "/rest/companies").json()["totalCount"] == 6
    finally:
        sandbox.stop()
