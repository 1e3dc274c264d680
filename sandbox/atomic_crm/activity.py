"""Clean tags, deals, tasks and notes around the contacts that are there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from sandbox.atomic_crm import configuration, people, words
from sandbox.atomic_crm.eras import Row

BUCKET = "https://crm-example.supabase.example/storage/v1/object/public/attachments"


def make_tags(rng: Random) -> list[Row]:
    """Tags; contacts use the first `len(words.TAGS)`, nobody the others."""
    rows: list[Row] = [{"id": i, "name": name, "color": color} for i, (name, color) in enumerate(words.TAGS, start=1)]
    for id_, name in enumerate(words.MORE_TAGS, start=len(rows) + 1):
        rows.append({"id": id_, "name": name, "color": f"#{rng.randrange(16**6):06x}"})
    return rows


def make_deals(
    rng: Random, count: int, contacts: Sequence[Row], stages: Sequence[str], companies: Sequence[Row]
) -> list[Row]:
    """Deals of companies with one to three of their contacts; `index` dense in each stage, as the kanban keeps it."""
    staff: dict[int, list[int]] = defaultdict(list)
    for contact in contacts:
        if contact["company_id"] is not None:
            staff[contact["company_id"]].append(contact["id"])
    places: dict[str, int] = defaultdict(int)
    rows: list[Row] = []
    for id_ in people.ids(rng, count):
        company = rng.choice(companies)
        there = staff[company["id"]]
        created = people.moment(rng, company["created_at"])
        stage = rng.choice(stages)
        rows.append(
            {
                "id": id_,
                "name": f"{rng.choice(words.DEAL)} for {words.company(rng)}",
                "company_id": company["id"],
                "contact_ids": rng.sample(there, min(len(there), rng.randrange(1, 4))),
                "category": rng.choice(list(configuration.CATEGORIES)),
                "stage": stage,
                "description": words.paragraph(rng, rng.randrange(1, 4)),
                "amount": rng.randrange(1, 1001) * 100,
                "created_at": created,
                "updated_at": created,
                "archived_at": None,
                "expected_closing_date": created.date() + timedelta(days=rng.randrange(1, 180)),
                "sales_id": company["sales_id"],
                "index": places[stage],
            }
        )
        places[stage] += 1
    return rows


def make_tasks(rng: Random, count: int, contacts: Sequence[Row]) -> list[Row]:
    """Tasks, two in five done, some due."""
    rows: list[Row] = []
    for id_ in people.ids(rng, count):
        contact = rng.choice(contacts)
        due = people.NOW + timedelta(minutes=rng.randrange(-400 * 24 * 60, 100 * 24 * 60) // 15 * 15)
        rows.append(
            {
                "id": id_,
                "contact_id": contact["id"],
                "type": rng.choice(list(configuration.TASK_TYPES)),
                "text": f"{rng.choice(words.TODO)} {contact['first_name']}".strip(),
                "due_date": due,
                "done_date": due + timedelta(seconds=rng.randrange(-86_400, 86_400)) if rng.random() < 0.4 else None,
                "sales_id": contact["sales_id"],
            }
        )
    return rows


def make_contact_notes(rng: Random, count: int, contacts: Sequence[Row]) -> list[Row]:
    """Notes on contacts, each after the contact was first seen."""
    return [
        {
            "id": id_,
            "contact_id": contact["id"],
            "text": _text(rng),
            "date": people.moment(rng, _since(contact["first_seen"])),
            "sales_id": contact["sales_id"],
            "status": rng.choice(list(configuration.STATUSES)),
            "attachments": _attachments(rng),
        }
        for id_ in people.ids(rng, count)
        for contact in (rng.choice(contacts),)
    ]


def make_deal_notes(rng: Random, count: int, deals: Sequence[Row]) -> list[Row]:
    """Notes on deals; the application never sets their type."""
    return [
        {
            "id": id_,
            "deal_id": deal["id"],
            "type": None,
            "text": _text(rng),
            "date": people.moment(rng, deal["created_at"]),
            "sales_id": deal["sales_id"],
            "attachments": _attachments(rng),
        }
        for id_ in people.ids(rng, count)
        for deal in (rng.choice(deals),)
    ]


def midnight(day: date) -> datetime:
    """What "postpone" writes: a date without a time, so midnight UTC."""
    return datetime.combine(day, time(), UTC)


def attachment(rng: Random, title: str = "offer.pdf", type_: str = "application/pdf") -> dict[str, Any]:
    """A file as the application stores it: public URL, flat random key, original name, MIME type."""
    key = f"0.{rng.randrange(10**15, 10**16)}.{title.rsplit('.', 1)[-1]}"
    return {"src": f"{BUCKET}/{key}", "path": key, "title": title, "type": type_}


def _text(rng: Random) -> str:
    return "\n\n".join(words.paragraph(rng, rng.randrange(1, 4)) for _ in range(rng.choice((1, 1, 1, 2, 3))))


def _attachments(rng: Random) -> list[Any] | None:
    """One note in ten has a file; else NULL or an empty array, by the way it was saved."""
    if rng.random() < 0.1:
        return [attachment(rng, *rng.choice(words.FILES))]
    return rng.choice((None, []))


def _since(first_seen: datetime | None) -> datetime:
    earliest = people.NOW - timedelta(days=5 * 365)
    return first_seen if first_seen is not None and earliest < first_seen < people.NOW else earliest
