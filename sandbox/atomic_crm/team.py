"""A small team that keeps editing: `python -m sandbox.atomic_crm.team --dsn … --rate 10 --seed 7 [--seconds N]`.

One session, one sequence of transactions: the same seed on the same data makes the same edits. Rows whose id is a
multiple of `DONORS` keep their website and e-mails and are never deleted: duplicates are copied from them only, and
given-up values are never taken again, so no two records ever want each other's unique value. SIGTERM ends it after the
running transaction; the last line printed is a JSON summary.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from sandbox.atomic_crm import words

DONORS = 7
BURST = 50
Conn = psycopg.Connection[tuple[Any, ...]]


@dataclass(kw_only=True)
class Desk:
    """What the team knows: the rows it may touch, in the order it learned of them."""

    rng: Random
    companies: list[int]
    contacts: list[int]
    sales: list[int]
    donor_sites: Sequence[str]
    donor_emails: Sequence[str]
    serial: int = 0  #: makes every new value one that never was
    done: Counter[str] = field(default_factory=Counter)

    def fresh(self, name: str) -> str:
        """A host label nobody has used."""
        self.serial += 1
        return f"{words.slug(name)}-t{self.serial}"

    def company(self) -> int:
        """A company to edit."""
        return self.rng.choice(self.companies)

    def contact(self) -> int:
        """A contact to edit."""
        return self.rng.choice(self.contacts)

    def site(self) -> str:
        """A new website; one in ten is a donor's, so a duplicate."""
        if self.donor_sites and self.rng.random() < 0.1:
            return self.rng.choice(self.donor_sites)
        return f"https://{self.fresh(words.company(self.rng))}.example"

    def emails(self) -> list[Any]:
        """New e-mails; some are shared with a donor, some hold what real ones hold."""
        local = self.fresh(self.rng.choice(words.FIRST))
        items: list[Any] = [{"email": f"{local}@{self.rng.choice(words.RETAIL)}", "type": "Work"}]
        odd = self.rng.random()
        if self.donor_emails and odd < 0.1:
            items.insert(0, {"email": self.rng.choice(self.donor_emails), "type": "Work"})
        elif odd < 0.2:
            items.append(None)
        elif odd < 0.25:
            items.append({"email": "not-an-email", "type": "Other"})
        return items

    def phones(self) -> list[Any]:
        """New phones, one in ten unreadable."""
        number = "ask the desk" if self.rng.random() < 0.1 else words.phone(self.rng)
        return [{"number": number, "type": self.rng.choice(("Work", "Home", "Other", ""))}]


Edit = Callable[[Desk, Conn], int]


def _insert_company(desk: Desk, conn: Conn) -> int:
    name = words.company(desk.rng)
    row = (name, desk.site(), desk.rng.choice(words.SIZES), desk.rng.choice(words.SECTORS), desk.rng.choice(desk.sales))
    query = (
        "insert into public.companies (name, website, size, sector, sales_id) values (%s, %s, %s, %s, %s) returning id"
    )
    _learn(desk.companies, _one(conn, query, row))
    return 1


def _insert_contact(desk: Desk, conn: Conn) -> int:
    first, last = words.person(desk.rng)
    values = (first, last, Jsonb(desk.emails()), Jsonb(desk.phones()), desk.company(), desk.rng.choice(desk.sales))
    query = (
        "insert into public.contacts (first_name, last_name, email_jsonb, phone_jsonb, company_id, sales_id, tags,"
        " first_seen, last_seen) values (%s, %s, %s, %s, %s, %s, '{}', now(), now()) returning id"
    )
    _learn(desk.contacts, _one(conn, query, values))
    return 1


def _learn(known: list[int], id_: int) -> None:
    if id_ % DONORS:
        known.append(id_)


def _name(desk: Desk, conn: Conn) -> int:
    if desk.rng.random() < 0.3:
        return _set_company(conn, desk.company(), name=words.company(desk.rng))
    first, last = words.person(desk.rng)
    return _set_contact(conn, desk.contact(), first_name=first, last_name=desk.rng.choice((last, last, "", None)))


def _website(desk: Desk, conn: Conn) -> int:
    return _set_company(conn, desk.company(), website=desk.site())


def _emails(desk: Desk, conn: Conn) -> int:
    return _set_contact(conn, desk.contact(), email_jsonb=Jsonb(desk.emails()))


def _phones(desk: Desk, conn: Conn) -> int:
    return _set_contact(conn, desk.contact(), phone_jsonb=Jsonb(desk.phones()))


def _owner(desk: Desk, conn: Conn) -> int:
    owner = desk.rng.choice([*desk.sales, None])
    if desk.rng.random() < 0.5:
        return _set_company(conn, desk.company(), sales_id=owner)
    return _set_contact(conn, desk.contact(), sales_id=owner)


def _background(desk: Desk, conn: Conn) -> int:
    long = desk.rng.random() < 0.2
    text = words.noise(desk.rng, 12_000) if long else words.paragraph(desk.rng, desk.rng.randrange(1, 6))
    return _set_contact(conn, desk.contact(), background=text)


def _move(desk: Desk, conn: Conn) -> int:
    return _set_contact(conn, desk.contact(), company_id=desk.rng.choice([desk.company(), desk.company(), None]))


def _note(desk: Desk, conn: Conn) -> int:
    """A note's trigger moves the contact's last_seen in the same transaction."""
    text, contact = words.paragraph(desk.rng, 1), desk.contact()
    query = (
        "insert into public.contact_notes (contact_id, text, date)"
        " select id, %s, now() from public.contacts where id = %s"
    )
    return conn.execute(query, (text, contact)).rowcount


def _nothing(desk: Desk, conn: Conn) -> int:
    """An update that changes nothing, as log-ins and drags make many."""
    if desk.rng.random() < 0.5:
        query, id_ = "update public.companies set size = size where id = %s", desk.company()
    else:
        query, id_ = "update public.contacts set status = status where id = %s", desk.contact()
    return conn.execute(query.encode(), (id_,)).rowcount


def _both(desk: Desk, conn: Conn) -> int:
    """A contact and its company in one transaction."""
    contact = desk.contact()
    moved = _set_contact(conn, contact, title=desk.rng.choice(words.TITLE), status=desk.rng.choice(words.STATUSES))
    query = (
        "update public.companies c set description = %s from public.contacts p where p.id = %s and c.id = p.company_id"
    )
    return moved + conn.execute(query, (words.paragraph(desk.rng, 2), contact)).rowcount


def _delete_contact(desk: Desk, conn: Conn) -> int:
    if len(desk.contacts) < 20:
        return 0
    id_ = desk.contacts.pop(desk.rng.randrange(len(desk.contacts)))
    return conn.execute("delete from public.contacts where id = %s", (id_,)).rowcount


def _delete_company(desk: Desk, conn: Conn) -> int:
    """A company and, by cascade, its contacts; one that no donor works for."""
    if len(desk.companies) < 20:
        return 0
    place = desk.rng.randrange(len(desk.companies))
    rows = conn.execute("select id from public.contacts where company_id = %s", (desk.companies[place],)).fetchall()
    if any(id_ % DONORS == 0 for (id_,) in rows):
        return 0
    company = desk.companies.pop(place)
    lost = {id_ for (id_,) in rows}
    desk.contacts[:] = [id_ for id_ in desk.contacts if id_ not in lost]
    conn.execute("delete from public.companies where id = %s", (company,))
    return 1 + len(lost)


#: Each kind of edit with its weight.
EDITS: dict[str, tuple[int, Edit]] = {
    "insert_company": (4, _insert_company),
    "insert_contact": (10, _insert_contact),
    "name": (14, _name),
    "website": (8, _website),
    "emails": (12, _emails),
    "phones": (12, _phones),
    "owner": (8, _owner),
    "background": (8, _background),
    "company": (8, _move),
    "note": (6, _note),
    "nothing": (8, _nothing),
    "both": (8, _both),
    "delete_contact": (3, _delete_contact),
    "delete_company": (1, _delete_company),
}


def _set_company(conn: Conn, id_: int, **values: Any) -> int:
    return _set(conn, "companies", id_, values)


def _set_contact(conn: Conn, id_: int, **values: Any) -> int:
    return _set(conn, "contacts", id_, values)


def _set(conn: Conn, table: str, id_: int, values: dict[str, Any]) -> int:
    columns = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(c)) for c in values)
    query = sql.SQL("update {} set {} where id = %s").format(sql.Identifier("public", table), columns)
    return conn.execute(query, [*values.values(), id_]).rowcount


def _one(conn: Conn, query: str, values: Sequence[Any]) -> int:
    row = conn.execute(query.encode(), values).fetchone()
    assert row is not None
    return int(row[0])


_COMPANIES = "select id from public.companies where id %% %(donors)s <> 0 order by id"
_CONTACTS = """
select id from public.contacts
 where id %% %(donors)s <> 0 and coalesce(jsonb_typeof(email_jsonb), 'array') = 'array' order by id
"""
_SITES = """
select website::text from public.companies where id %% %(donors)s = 0 and website::text ~ '^http' order by id
"""
_EMAILS = """
select email_jsonb -> 0 ->> 'email' from public.contacts
 where id %% %(donors)s = 0 and email_jsonb -> 0 ->> 'email' ~ '@' order by id
"""


def sit_down(conn: Conn, seed: int) -> Desk:
    """Reads what there is to edit. Contacts whose e-mails today's trigger would refuse cannot be saved, so are left."""

    def first(query: str) -> list[Any]:
        return [row[0] for row in conn.execute(query.encode(), {"donors": DONORS})]

    return Desk(
        rng=Random(seed),
        companies=first(_COMPANIES),
        contacts=first(_CONTACTS),
        sales=first("select id from public.sales order by id"),
        donor_sites=first(_SITES),
        donor_emails=first(_EMAILS),
    )


def transactions(desk: Desk, *, burst_every: int = 400) -> Iterator[tuple[str, Edit]]:
    """The endless sequence of edits; about every `burst_every` changes one row is edited `BURST` times in a row."""
    kinds = list(EDITS)
    weights = [EDITS[kind][0] for kind in kinds]
    while True:
        if not desk.companies or not desk.contacts:
            first = "insert_contact" if desk.companies else "insert_company"
            yield first, EDITS[first][1]
            continue
        if desk.rng.random() < 1 / burst_every:
            contact = desk.contact()
            for turn in range(BURST):
                yield "burst", lambda d, c, t=turn, id_=contact: _set_contact(c, id_, title=f"Turn {t} of {d.serial}")  # type: ignore[misc]
        kind = desk.rng.choices(kinds, weights)[0]
        yield kind, EDITS[kind][1]


def work(
    dsn: str, *, rate: float, seed: int, seconds: float | None, stop: threading.Event, changes: int | None = None
) -> dict[str, Any]:
    """Edits until told to stop, until the time is over, or until so many row changes are made; the summary."""
    began = time.monotonic()
    with psycopg.connect(dsn, autocommit=True, application_name="sandbox-team") as conn:
        desk = sit_down(conn, seed)
        made = total = 0
        for kind, edit in transactions(desk):
            late = began + made / rate - time.monotonic()
            # A burst is as fast as one session can; the pace is made up afterwards.
            if stop.is_set() or (kind != "burst" and late > 0 and stop.wait(late)):
                break
            if seconds is not None and time.monotonic() - began >= seconds:
                break
            if changes is not None and made >= changes:
                break
            count = _commit(desk, conn, kind, edit)
            made += count
            total += 1
    spent = round(time.monotonic() - began, 3)
    return {
        "seed": seed,
        "rate": rate,
        "seconds": spent,
        "transactions": total,
        "changes": made,
        "kinds": dict(desk.done),
    }


def _commit(desk: Desk, conn: Conn, kind: str, edit: Edit) -> int:
    """One transaction; what somebody else's edit makes impossible is counted as refused, as the UI shows an error."""
    try:
        with conn.transaction():
            count = edit(desk, conn)
    except (psycopg.IntegrityError, psycopg.errors.DeadlockDetected):
        desk.done["refused"] += 1
        return 0
    desk.done[kind] += count
    return count


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the team until SIGTERM, SIGINT or the time given."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.atomic_crm.team", description=main.__doc__)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--rate", type=float, default=10.0, help="row changes a second")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=None)
    parser.add_argument("--changes", type=int, default=None, help="stop after so many row changes")
    options = parser.parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    summary = work(
        options.dsn,
        rate=options.rate,
        seed=options.seed,
        seconds=options.seconds,
        stop=stop,
        changes=options.changes,
    )
    sys.stdout.write(json.dumps(summary) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
