"""Seeded data for an Atomic CRM: `python -m sandbox.atomic_crm.generator --dsn … --scale 0.2 --seed 7`.

The same seed and scale give the same bytes. Scale 1 is 1,000 companies, 5,000 contacts and 12 sales (`Data`).
"""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from random import Random
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from sandbox.atomic_crm import oddities, words
from sandbox.atomic_crm.odd_companies import COMPANIES
from sandbox.atomic_crm.odd_contacts import CONTACTS, SALES
from sandbox.atomic_crm.oddities import Around, Oddity, Row

ODDITIES: tuple[Oddity, ...] = (*SALES, *COMPANIES, *CONTACTS)
SALES_COUNT = 12
_NEXT_ID = sql.SQL("select setval(pg_get_serial_sequence({name}, 'id'), (select max(id) from {table}))")
NOW = datetime(2026, 6, 29, 12, 0, tzinfo=UTC)  #: the data's own "today": never the clock, or bytes would differ


@dataclass(frozen=True, kw_only=True)
class Data:
    """Rows by table, in the order they are loaded."""

    sales: Sequence[Row]
    companies: Sequence[Row]
    contacts: Sequence[Row]
    tags: Sequence[Row]


def generate(*, seed: int, scale: float = 1.0) -> Data:
    """Makes the data; touches nothing outside."""
    rng = Random(seed)
    sales = _sales(rng)
    around = _around(rng, sales)
    companies = _companies(rng, max(1, round(1000 * scale)), sales)
    contacts = _contacts(rng, max(1, round(5000 * scale)), companies)
    oddities.spread(companies, COMPANIES, around)
    oddities.spread(contacts, CONTACTS, around)
    for row in contacts:
        row["email_jsonb"] = Jsonb(None) if row["email_jsonb"] == "JSON null" else _jsonb(row["email_jsonb"])
        row["phone_jsonb"] = _jsonb(row["phone_jsonb"])
        row["avatar"] = _jsonb(row["avatar"])
    for row in companies:
        row["logo"] = _jsonb(row["logo"])
    tags = [{"id": i, "name": name, "color": color} for i, (name, color) in enumerate(words.TAGS, start=1)]
    return Data(sales=sales, companies=companies, contacts=contacts, tags=tags)


def _around(rng: Random, sales: Sequence[Row]) -> Callable[[Sequence[Row]], Around]:
    disabled = [s["id"] for s in sales if s["disabled"]]
    pending = [s["id"] for s in sales if s["first_name"] == "Pending"]
    return lambda clean: Around(rng=rng, clean=clean, disabled=disabled, pending=pending)


def _jsonb(value: Any) -> Jsonb | None:
    return None if value is None else Jsonb(value)


def _ids(rng: Random, count: int) -> list[int]:
    """Identity values with the gaps that rolled back transactions and deletes leave."""
    ids, last = [], 0
    for _ in range(count):
        last += 1 if rng.random() < 0.97 else rng.randrange(2, 9)
        ids.append(last)
    return ids


def _sales(rng: Random) -> list[Row]:
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
    oddities.spread(rows, SALES, lambda clean: Around(rng=rng, clean=clean, disabled=(), pending=()))
    return rows


def _moment(rng: Random, since: datetime) -> datetime:
    """A moment between `since` and today, with the microseconds PostgreSQL keeps."""
    return since + timedelta(microseconds=rng.randrange(max(1, (NOW - since) // timedelta(microseconds=1))))


def _companies(rng: Random, count: int, sales: Sequence[Row]) -> list[Row]:
    rows: list[Row] = []
    for id_ in _ids(rng, count):
        name = words.company(rng)
        host = f"{words.slug(name)}-{id_}"
        city, state, zipcode, country = rng.choice(words.PLACES)
        rows.append(
            {
                "id": id_,
                "created_at": _moment(rng, NOW - timedelta(days=5 * 365)),
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


def _contacts(rng: Random, count: int, companies: Sequence[Row]) -> list[Row]:
    rows: list[Row] = []
    for id_ in _ids(rng, count):
        company = rng.choice(companies)
        first, last = words.person(rng)
        seen = _moment(rng, company["created_at"])
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
                "last_seen": _moment(rng, seen),
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


def create(dsn: str) -> None:
    """Applies ddl.sql to an empty database."""
    ddl = resources.files("sandbox.atomic_crm").joinpath("ddl.sql").read_text(encoding="utf-8")
    with psycopg.connect(dsn) as conn:
        conn.execute(ddl.encode())


def load(dsn: str, data: Data) -> None:
    """Loads by COPY in one transaction. Rows of older eras go in with the triggers off, as they once did."""
    with psycopg.connect(dsn) as conn:
        conn.execute("set search_path = public, extensions")
        users = [{"id": s["user_id"], "email": s["email"], "created_at": NOW} for s in data.sales]
        _copy(conn, "auth.users", users)
        _copy(conn, "public.sales", data.sales)
        _copy(conn, "public.tags", data.tags)
        _copy(conn, "public.companies", data.companies)
        conn.execute("alter table public.contacts disable trigger user")
        _copy(conn, "public.contacts", [row for row in data.contacts if row.get("legacy")])
        conn.execute("alter table public.contacts enable trigger user")
        _copy(conn, "public.contacts", [row for row in data.contacts if not row.get("legacy")])
        for table in ("sales", "tags", "companies", "contacts"):
            conn.execute(_NEXT_ID.format(name=sql.Literal(f"public.{table}"), table=sql.Identifier("public", table)))
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("analyze")


def _copy(conn: psycopg.Connection[Any], table: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    columns = [name for name in rows[0] if name != "legacy"]
    with conn.cursor() as cur, cur.copy(f"copy {table} ({', '.join(columns)}) from stdin") as copy:
        for row in rows:
            copy.write_row([row[name] for name in columns])


def main(argv: Sequence[str] | None = None) -> int:
    """Creates the tables and fills them."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.atomic_crm.generator", description=main.__doc__)
    parser.add_argument("--dsn", required=True, help="an empty database; its superuser")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args(argv)
    data = generate(seed=options.seed, scale=options.scale)
    create(options.dsn)
    load(options.dsn, data)
    sys.stdout.write(f"{len(data.sales)} sales, {len(data.companies)} companies, {len(data.contacts)} contacts\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
