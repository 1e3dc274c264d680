"""Bad and odd data on the real line: it converges, or is dead with its reason; offsets go on (law 4; H-11, H-12)."""

from __future__ import annotations

import math

import psycopg
import pytest
import requests
from story import Story

from infra.clock import boottime

pytestmark = pytest.mark.stack

BIG = "".join(chr(0x4E00 + (i * 7919) % 20000) for i in range(40_000))


def test_odd_rows_converge(story: Story) -> None:
    """TOAST left alone, JSON null in arrays, backslash-u0000, emoji, a bad phone, duplicates (S0-18, S0-19, S0-21)."""
    owner = story.owner()
    story.sql(
        "insert into public.companies (id, name, website, sales_id, context_links) values"
        " (1, 'One 🚀', 'https://one.example', %s, '[\"https://a.example/\\u0000x\", null, \"\"]'),"
        " (2, 'Two', 'HTTPS://ONE.example/', %s, null)",
        owner,
        owner,
    )
    story.sql(
        "insert into public.contacts (id, first_name, last_name, background, company_id, sales_id, email_jsonb,"
        " phone_jsonb) values"
        ' (1, \'Ada\', \'One\', %s, 1, %s, \'[{"email": "ada@example.com", "type": "Work"}, null]\','
        ' \'[{"number": "not a phone", "type": "Work"}, null]\'),'
        " (2, null, '', null, 2, %s, '[null, null]', '\"scalar\"'),"
        " (10, 'Bob', 'Ten', 'short', null, %s, '[{\"email\": \"ADA@example.com\", \"type\": \"Home\"}]', null)",
        BIG,
        owner,
        owner,
        owner,
    )
    story.begin()
    story.settle()
    story.sql("update public.contacts set last_seen = now() where id = 1")  # the large background is not in the event
    story.sql("update public.contacts set title = 'Boss', company_id = 2 where id = 1")
    story.settle()
    assert [] == story.compare().differences
    assert not story.listed()
    people = {p["name"]["firstName"]: p for p in rows(story, "people")}
    assert BIG == people["Ada"]["background"]
    assert "ada@example.com" == people["Ada"]["emails"]["primaryEmail"]
    assert "" == people["Bob"]["emails"]["primaryEmail"]
    assert "ada@example.com" in people["Bob"]["keptValues"]
    assert "duplicate" in people["Bob"]["migrationFlags"]
    companies = {c["name"]: c for c in rows(story, "companies")}
    assert "https://one.example" == companies["One 🚀"]["domainName"]["primaryLinkUrl"]
    assert companies["Two"]["id"] == people["Ada"]["companyId"]


def test_a_row_updated_fifty_times_costs_at_most_five_writes(story: Story) -> None:
    """Fifty updates within a second: the newest image wins, few calls (law 1)."""
    owner = story.owner()
    story.sql("insert into public.companies (id, name, sales_id) values (1, 'Before', %s)", owner)
    story.begin()
    story.settle()
    story.twenty.session.delete(story.twenty.control_url + "/calls", timeout=10)
    began = boottime()
    with psycopg.connect(story.source_dsn, autocommit=True) as conn:
        for i in range(50):
            conn.execute("update public.companies set name = %s where id = 1", [f"Name {i}"])
    seconds = math.ceil(boottime() - began)
    story.settle()
    written = [w for w in story.twenty.calls()["writes"] if w["object"] == "company"]
    assert 1 <= len(written) <= 5 * seconds
    assert ["Name 49"] == [c["name"] for c in rows(story, "companies")]
    assert [] == story.compare().differences


def test_contact_and_company_change_at_once(story: Story) -> None:
    """One transaction changes a contact, its company and their owner's mail; two topics, no lost update (H-12)."""
    owner = story.owner("first@example.com")
    story.sql("insert into public.companies (id, name, sales_id) values (1, 'A', %s), (2, 'B', %s)", owner, owner)
    story.sql("insert into public.contacts (id, first_name, company_id, sales_id) values (1, 'C', 1, %s)", owner)
    story.begin()
    for i in range(10):
        story.sql(
            "with c as (update public.companies set name = %s where id = 1),"
            " s as (update public.sales set last_name = %s where id = %s)"
            " update public.contacts set first_name = %s, company_id = %s where id = 1",
            f"A{i}",
            f"Owner{i}",
            owner,
            f"C{i}",
            1 + i % 2,
        )
    story.settle()
    assert [] == story.compare().differences
    assert ["C9"] == [p["name"]["firstName"] for p in rows(story, "people")]


def test_what_the_destination_never_takes_is_dead_and_the_line_goes_on(story: Story) -> None:
    """A value our own checks let pass and the server refuses: one dead with its words, the others delivered."""
    owner = story.owner()
    story.sql(
        "insert into public.companies (id, name, sales_id) select i, 'Company ' || i, %s from generate_series(1, 30) i",
        owner,
    )
    context = story.ready()
    field = requests.get(
        f"{story.twenty.url}/rest/metadata/objects",
        headers={"Authorization": f"Bearer {story.twenty.key}"},
        timeout=10,
    ).json()
    assert field["data"]
    story.twenty.order(
        "/rows",
        {"object": "company", "by": "person", "rows": [{"name": "Theirs", "domainName": link("taken.example")}]},
    )
    story.sql("update public.companies set website = 'https://taken.example' where id = 17")
    from control import start

    start.start(context)
    story.settle()
    listed = story.listed()
    assert {("company", "17")} == set(listed)
    assert ("asked", "LG-0604") == (listed["company", "17"]["state"], listed["company", "17"]["code"])
    theirs = [c for c in rows(story, "companies") if c["name"] == "Theirs"]
    assert ["MANUAL"] == [c["updatedBy"]["source"] for c in theirs]
    assert 29 == story.status()["objects"]["company"]["delivered"]
    assert [] == story.compare().differences


def rows(story: Story, plural: str) -> list[dict[str, object]]:
    """Live rows of the destination."""
    answer = story.twenty.call("GET", f"/rest/{plural}?limit=200")
    return answer.json()["data"][plural]


def link(url: str) -> dict[str, object]:
    """A LINKS value as Twenty stores it."""
    return {"primaryLinkUrl": f"https://{url}", "primaryLinkLabel": "", "secondaryLinks": []}
