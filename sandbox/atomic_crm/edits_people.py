"""Edits of companies and contacts, log-ins, and edits that change nothing."""

from __future__ import annotations

from psycopg import sql

from sandbox.atomic_crm import words
from sandbox.atomic_crm.desk import DONORS, FEW, Conn, Desk


def insert_company(desk: Desk, conn: Conn) -> int:
    """A new company."""
    desk.insert(
        conn,
        "companies",
        name=words.company(desk.rng),
        website=desk.site(),
        size=desk.rng.choice(words.SIZES),
        sector=desk.rng.choice(words.SECTORS),
        sales_id=desk.owner(),
    )
    return 1


def insert_contact(desk: Desk, conn: Conn) -> int:
    """A new contact, seen now."""
    first, last = words.person(desk.rng)
    columns = desk.emails() | desk.phones()
    id_ = desk.insert(
        conn,
        "contacts",
        first_name=first,
        last_name=last,
        company_id=desk.any("companies"),
        sales_id=desk.owner(),
        tags=[],
        **columns,
    )
    desk.run(conn, "update {t} set first_seen = now(), last_seen = now() where id = %s", [id_], t="contacts")
    return 1


def name(desk: Desk, conn: Conn) -> int:
    """A company or a contact is called otherwise."""
    if desk.rng.random() < 0.3:
        return desk.set(conn, "companies", desk.any("companies"), name=words.company(desk.rng))
    first, last = words.person(desk.rng)
    last_name = desk.rng.choice((last, last, "", None))
    return desk.set(conn, "contacts", desk.any("contacts"), first_name=first, last_name=last_name)


def website(desk: Desk, conn: Conn) -> int:
    """A company moves to another domain."""
    return desk.set(conn, "companies", desk.any("companies"), website=desk.site())


def emails(desk: Desk, conn: Conn) -> int:
    """A contact's e-mails are replaced."""
    return desk.set(conn, "contacts", desk.any("contacts"), **desk.emails())


def phones(desk: Desk, conn: Conn) -> int:
    """A contact's phones are replaced."""
    return desk.set(conn, "contacts", desk.any("contacts"), **desk.phones())


def owner(desk: Desk, conn: Conn) -> int:
    """A record gets another owner, or none."""
    to = desk.rng.choice([*desk.known["sales"], None])
    table = desk.rng.choice(("companies", "contacts", "deals", "tasks"))
    return desk.set(conn, table, desk.any(table), sales_id=to) if desk.known[table] else 0


def background(desk: Desk, conn: Conn) -> int:
    """What is known about a contact, one in five of it long."""
    long = desk.rng.random() < 0.2
    text = words.noise(desk.rng, 12_000) if long else words.paragraph(desk.rng, desk.rng.randrange(1, 6))
    return desk.set(conn, "contacts", desk.any("contacts"), background=text)


def company(desk: Desk, conn: Conn) -> int:
    """A contact changes the company, or leaves it."""
    to = desk.rng.choice([desk.any("companies"), desk.any("companies"), None])
    return desk.set(conn, "contacts", desk.any("contacts"), company_id=to)


def login(desk: Desk, conn: Conn) -> int:
    """Somebody signs in: auth.users changes, and its trigger writes the sale anew, mostly the same."""
    query = "update auth.users u set last_sign_in_at = now() from public.sales s where s.id = %s and u.id = s.user_id"
    return conn.execute(sql.SQL(query), [desk.owner()]).rowcount


def nothing(desk: Desk, conn: Conn) -> int:
    """An update that changes nothing, as saving a form makes."""
    table, column = desk.rng.choice((("companies", "size"), ("contacts", "status"), ("deals", "stage")))
    same = sql.SQL("update {} set {column} = {column} where id = %s")
    return conn.execute(same.format(desk.table(table), column=sql.Identifier(column)), [desk.any(table)]).rowcount


def both(desk: Desk, conn: Conn) -> int:
    """A contact and its company in one transaction."""
    contact = desk.any("contacts")
    title, status = desk.rng.choice(words.TITLE), desk.rng.choice(words.STATUSES)
    moved = desk.set(conn, "contacts", contact, title=title, status=status)
    query = "update {c} c set description = %s from {p} p where p.id = %s and c.id = p.company_id"
    values = (words.paragraph(desk.rng, 2), contact)
    return moved + desk.run(conn, query, values, c="companies", p="contacts").rowcount


def delete_contact(desk: Desk, conn: Conn) -> int:
    """A contact and, by cascade, its tasks and notes; deals keep its id."""
    if len(desk.known["contacts"]) < FEW:
        return 0
    return desk.drop(conn, "contacts", desk.any("contacts"))


def delete_company(desk: Desk, conn: Conn) -> int:
    """A company and, by cascade, its contacts, deals, tasks and notes; one that no donor works for."""
    if len(desk.known["companies"]) < FEW:
        return 0
    id_ = desk.any("companies")
    staff = desk.ids(conn, "select id from {t} where company_id = %s", [id_], t="contacts")
    if any(contact % DONORS == 0 for contact in staff):
        return 0
    return desk.drop(conn, "companies", id_)
