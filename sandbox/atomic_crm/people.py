"""Clean sales, companies and contacts: believable, seeded, nothing real in them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from sandbox.atomic_crm import words
from sandbox.atomic_crm.eras import Row

SALES_COUNT = 12
NOW = datetime(2026, 6, 29, 12, 0, tzinfo=UTC)  #: the data's own "today": never the clock, or bytes would differ


def ids(rng: Random, count: int) -> list[int]:
    """Identity values with the gaps that rolled back transactions and deletes leave."""
    ids, last = [], 0
    for _ in range(count):
        last += 1 if rng.random() < 0.97 else rng.randrange(2, 9)
        ids.append(last)
    return ids


def make_sales(rng: Random) -> list[Row]:
    """The users; the first is an administrator."""
    rows: list[Row] = []
    for i in range(1, SALES_COUNT + 1):
        first, last = words.FIRST[i * 4 % len(words.FIRST)], words.LAST[i * 3 % len(words.LAST)]
        rows.append(
            {
                "id": i,
                "first_name": first,
                "last_name": last,
                "email": f"{words.slug(first)}.{words.slug(last)}@crm.example.com",
                "administrator": i == 1,
                "user_id": uuid.UUID(int=rng.getrandbits(128), version=4),
                "avatar": None,
                "disabled": False,
            }
        )
    return rows


def moment(rng: Random, since: datetime) -> datetime:
    """A moment between `since` and today, with the microseconds PostgreSQL keeps."""
    return since + timedelta(microseconds=rng.randrange(max(1, (NOW - since) // timedelta(microseconds=1))))


def make_companies(rng: Random, count: int, sales: Sequence[Row]) -> list[Row]:
    """Companies of the last five years."""
    rows: list[Row] = []
    for id_ in ids(rng, count):
        name = words.company(rng)
        host = f"{words.slug(name)}-{id_}"
        city, state, zipcode, country = rng.choice(words.PLACES)
        rows.append(
            {
                "id": id_,
                "created_at": moment(rng, NOW - timedelta(days=5 * 365)),
                "name": name,
                "sector": rng.choice(words.SECTORS),
                "size": rng.choice(words.SIZES),
                "linkedin_url": f"https://www.linkedin.com/company/{host}-example",
                "website": f"{rng.choice(('https', 'https', 'http'))}://www.{host}.example",
                "phone_number": words.phone(rng),
                "address": f"{rng.randrange(1, 200)} {rng.choice(words.STREET)}",
                "zipcode": zipcode,
                "city": city,
                "state_abbr": state,
                "sales_id": rng.choice(sales)["id"],
                "context_links": f'["https://news.example/{host}", "https://wiki.example/{id_}"]',
                "country": country,
                "description": words.paragraph(rng, rng.randrange(1, 5)),
                "revenue": str(rng.randrange(10, 5000) * 1000),
                "tax_identifier": f"EX-{rng.randrange(10**8):08}",
                "logo": None,
            }
        )
    return rows


def make_contacts(rng: Random, count: int, companies: Sequence[Row]) -> list[Row]:
    """Contacts, each of some company, seen after it was made."""
    rows: list[Row] = []
    for id_ in ids(rng, count):
        company = rng.choice(companies)
        first, last = words.person(rng)
        seen = moment(rng, company["created_at"])
        local = f"{words.slug(first)}.{words.slug(last)}.{id_}"
        emails = [{"email": f"{local}@{company['website'].split('://www.')[1]}", "type": "Work"}]
        if rng.random() < 0.3:
            emails.append({"email": f"{local}@{rng.choice(words.RETAIL)}", "type": "Home"})
        rows.append(
            {
                "id": id_,
                "first_name": first,
                "last_name": last,
                "gender": rng.choice(("male", "female", "nonbinary")),
                "title": rng.choice(words.TITLE),
                "background": words.paragraph(rng, rng.randrange(1, 4)),
                "avatar": None,
                "first_seen": seen,
                "last_seen": moment(rng, seen),
                "has_newsletter": rng.random() < 0.3,
                "status": rng.choice(words.STATUSES),
                "tags": sorted(rng.sample(range(1, len(words.TAGS) + 1), rng.choice((0, 0, 0, 1, 1, 2)))),
                "company_id": company["id"],
                "sales_id": company["sales_id"],
                "linkedin_url": f"https://www.linkedin.com/in/{local.replace('.', '-')}-example",
                "email_jsonb": emails,
                "phone_jsonb": [
                    {"number": words.phone(rng), "type": kind} for kind in rng.choice((("Work",), ("Work", "Home")))
                ],
            }
        )
    return rows
