"""What a workspace made by sign-up holds before anybody writes to it (`twenty.md` 2 and 10): sample rows, workflows."""

from __future__ import annotations

import uuid

from sandbox.twenty.records import Actor
from sandbox.twenty.store import Row
from sandbox.twenty.workspace import Workspace

COMPANY_WORKFLOW = "Create company when adding a new person"
_SAMPLE = Actor(source="SYSTEM", name="System")
_COMPANIES = (
    ("Airbnb", "https://airbnb.com"),
    ("Anthropic", "https://anthropic.com"),
    ("Stripe", "https://stripe.com"),
    ("Figma", "https://figma.com"),
    ("Notion", "https://notion.com"),
)
_PEOPLE = ("Brian Chesky", "Dario Amodei", "Patrick Collison", "Dylan Field", "Ivan Zhao")
_STAGES = ("NEW", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER", "NEW")


def prepare(workspace: Workspace) -> None:
    """Five companies with the domains they really have, five people, six opportunities, two workflows, one active."""
    companies = _make(
        workspace,
        "company",
        [{"name": name, "domainName": {"primaryLinkUrl": domain}} for name, domain in _COMPANIES],
    )
    people = []
    for name, company, (_, domain) in zip(_PEOPLE, companies, _COMPANIES, strict=True):
        first, last = name.split()
        emails = {"primaryEmail": f"{first}@{domain.removeprefix('https://')}".lower()}
        people.append({"name": {"firstName": first, "lastName": last}, "emails": emails, "companyId": company["id"]})
    people = _make(workspace, "person", people)
    deals = [
        {"name": f"Sample deal {number + 1}", "stage": stage, "companyId": companies[number % 5]["id"]}
        | {"pointOfContactId": people[number % 5]["id"]}
        for number, stage in enumerate(_STAGES)
    ]
    _make(workspace, "opportunity", deals)
    active, _ = _make(
        workspace,
        "workflow",
        [{"name": COMPANY_WORKFLOW, "statuses": ["ACTIVE"]}, {"name": "Quick Lead", "statuses": ["ACTIVE"]}],
    )
    settings = {"eventName": "person.upserted", "fields": ["emails"]}
    trigger = {"id": str(uuid.uuid4()), "type": "DATABASE_EVENT", "settings": settings, "workflowId": active["id"]}
    _make(workspace, "workflowAutomatedTrigger", [trigger])
    workspace.store.flush()


def _make(workspace: Workspace, name: str, rows: list[Row]) -> list[Row]:
    return workspace.writer(workspace.store.objects[name], _SAMPLE).create(rows, upsert=False)
