"""Everything an Atomic CRM holds, dirty as it is, with a team that edits all of it (S0-16 … S0-32, S0-46, S0-78)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from story import SINK, Story

from control import start
from infra import processes
from sandbox.atomic_crm import planted

pytestmark = pytest.mark.stack
PLAIN = re.compile(r"[a-z0-9.]+@[a-z0-9.-]+\.[a-z]+")


def test_everything_moves_while_everything_is_edited(story: Story, tmp_path: Path) -> None:
    """All nine tables, a team that merges, cascades, drags and renames; what is flagged is what was planted."""
    story.fill(scale=0.05)
    story.begin()
    story.team(tmp_path, rate=10, options=("--swaps",))
    story.wait(lambda: story.status()["objects"]["deal_note"]["delivered"] > 30, "notes to land", 120)
    story.kill(SINK)
    start.start(story.context())
    processes.stop(tmp_path, "team")
    story.settle(240)
    assert [] == story.compare().differences
    assert {} == story.listed()
    with psycopg.connect(story.source_dsn) as conn:
        for expected in planted.count(conn):
            if expected.end in (planted.End.FLAGGED, planted.End.DANGLING):
                assert set(expected.keys) == flagged(story, expected.object, expected.reason), expected.reason


def test_one_refused_among_two_hundred(story: Story) -> None:
    """A person removed a stage's option: one deal is dead with Twenty's words, 199 land, ≤ 16 extra calls (H-40)."""
    owner = story.owner()
    story.sql("insert into public.companies (id, name, sales_id) values (1, 'A', %s)", owner)
    story.begin()
    story.settle()
    drop_option(story, "LOST")
    story.sql(
        "insert into public.deals (id, name, company_id, stage, sales_id)"
        " select i, 'Deal ' || i, 1, case when i = 77 then 'lost' else 'won' end, %s from generate_series(1, 200) i",
        owner,
    )
    story.settle()
    listed = story.listed()
    assert {("deal", "77")} == set(listed)
    assert "dead" == listed["deal", "77"]["state"]
    assert "LOST" in str(listed["deal", "77"]["reason"])
    calls = sum(c["calls"] for c in story.status()["calls"] if c["kind"] == "deal" and c["verb"] == "create")
    assert calls <= 17 + 5  # 200 deals of one transaction may be claimed in a few batches
    assert [] == story.compare().differences


def test_nobodys_row_is_touched(story: Story) -> None:
    """300 rows made by people, some with our e-mails and domains, some in the bin: each is as it was (H-38)."""
    story.fill(scale=0.05)
    mails = [row[0] for row in story.sql("select email_jsonb->0->>'email' from public.contacts where id < 60")]
    people = [
        {"name": {"firstName": f"P{i}", "lastName": "Theirs"}, "emails": {"primaryEmail": mail, "additionalEmails": []}}
        for i, mail in enumerate(dict.fromkeys(m for m in mails if m and PLAIN.fullmatch(m)))
    ][:40]
    people += [{"name": {"firstName": f"Q{i}", "lastName": "Theirs"}} for i in range(260)]
    story.twenty.order("/rows", {"object": "person", "by": "person", "rows": people})
    theirs = everything(story, "people")
    binned = [row["id"] for row in theirs[:10]]
    story.twenty.order("/rows/delete", {"object": "person", "ids": binned, "soft": True})
    story.ready()  # our own fields are there before the look
    before = {row["id"]: row for row in everything(story, "people", deleted=True)}
    start.start(story.context())
    story.settle(parked_may_stay=True)  # what requires an asked contact waits with it
    story.wait(lambda: not story.status()["objects"]["contact"]["parked"], "tags that will not come to be left out")
    after = {row["id"]: row for row in everything(story, "people", deleted=True)}
    assert before == {row_id: row for row_id, row in after.items() if row_id in before}
    listed = story.listed()
    assert [] == [one for (kind, _), one in listed.items() if kind == "contact" and one["state"] != "asked"]
    assert {"asked", "parked"} >= {one["state"] for one in listed.values()}
    # A deal goes without the contact that a person must decide about; nothing else differs.
    assert {"pointOfContactId"} >= {d.field for d in story.compare().differences}


def test_a_person_deletes_a_parent(story: Story) -> None:
    """The contact is destroyed in Twenty: it stays away, a new note on it is dead with it (H-21, H-39)."""
    owner = story.owner()
    story.sql("insert into public.contacts (id, first_name, sales_id) values (1, 'A', %s), (2, 'B', %s)", owner, owner)
    story.begin()
    story.settle()
    one = next(p for p in everything(story, "people") if p["name"]["firstName"] == "A")
    story.twenty.order("/rows/delete", {"object": "person", "ids": [one["id"]], "soft": False})
    story.sql("insert into public.contact_notes (id, contact_id, text) values (1, 1, 'on A'), (2, 2, 'on B')")
    story.settle()
    listed = story.listed()
    assert ("filtered", "LG-0605") == (listed["contact", "1"]["state"], listed["contact", "1"]["code"])
    assert "dead" == listed["contact_note", "1"]["state"]
    targets = {t["noteId"] for t in everything(story, "noteTargets")}
    assert ["on B"] == [n["bodyV2"]["markdown"].strip() for n in everything(story, "notes") if n["id"] in targets]
    assert [] == story.compare().differences


def test_a_truncated_table_pauses_its_object_and_deletes_nothing(story: Story) -> None:
    """TRUNCATE asks (H-23); nothing is taken away before the answer."""
    owner = story.owner()
    story.sql("insert into public.contacts (id, first_name, sales_id) values (1, 'A', %s)", owner)
    story.sql("insert into public.tasks (id, contact_id, text) values (1, 1, 'Call'), (2, 1, 'Write')")
    story.begin()
    story.settle()
    story.sql("truncate public.tasks")
    story.wait(lambda: story.status()["objects"]["task"]["wanted"] != {}, "the pause")
    wanted = story.status()["objects"]["task"]["wanted"]["sinks"]
    assert {"live": "paused", "backfill": "paused"} == wanted
    assert 2 == len(everything(story, "tasks"))


@pytest.mark.parametrize("era", ["v1.0.0", "2025-01"])
def test_older_eras_move_too(story_of: Any, era: str) -> None:
    """Camel-case tables, other columns: found by introspection, the same plan."""
    story = story_of(era)
    story.fill(scale=0.02)
    story.begin()
    story.settle(180)
    assert [] == story.compare().differences
    assert {} == story.listed()


def everything(story: Story, plural: str, *, deleted: bool = False) -> list[dict[str, Any]]:
    """All rows of a destination object."""
    found: list[dict[str, Any]] = []
    more = "&filter=or(deletedAt[is]:NULL,deletedAt[is]:NOT_NULL)" if deleted else ""
    after = ""
    while True:
        answer = story.twenty.call("GET", f"/rest/{plural}?limit=200{more}{after}").json()
        found += answer["data"][plural]
        if not answer["pageInfo"]["hasNextPage"]:
            return found
        after = f"&starting_after={answer['pageInfo']['endCursor']}"


def flagged(story: Story, kind: str, reason: str) -> set[str]:
    """Source keys of records that carry this flag in the destination."""
    plural = {"company": "companies", "contact": "people", "deal": "opportunities", "task": "tasks"}.get(kind, "notes")
    prefix = f"{kind}/" if plural == "notes" else ""
    rows = [r for r in everything(story, plural) if (r.get("atomicCrmId") or "").startswith(prefix)]
    return {
        str(r["atomicCrmId"]).removeprefix(prefix) for r in rows if reason in (r["migrationFlags"] or "").split(", ")
    }


def drop_option(story: Story, value: str) -> None:
    """A person removes a stage in the settings."""
    objects = story.twenty.call("GET", "/rest/metadata/objects?limit=200").json()["data"]
    fields = next(o for o in objects if o["nameSingular"] == "opportunity")["fields"]
    stage = next(f for f in fields if f["name"] == "stage")
    options = [o for o in stage["options"] if o["value"] != value]
    answer = story.twenty.call("PATCH", f"/rest/metadata/fields/{stage['id']}", {"options": options})
    assert 200 == answer.status_code, answer.text
