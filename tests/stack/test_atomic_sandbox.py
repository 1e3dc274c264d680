"""The rehearsal source in a real PostgreSQL: its dirt, its triggers, and how the connector reads it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from connectors.atomic_crm import capture, catalog, read
from connectors.atomic_crm import settings as source_settings
from connectors.atomic_crm.catalog import Era
from connectors.atomic_crm.settings import Settings
from sandbox.atomic_crm import generator, planted
from sandbox.atomic_crm.eras import Era as Made
from sandbox.atomic_crm.oddities import Oddity
from sandbox.atomic_crm.planted import End
from schemas.errors import LockgateError

pytestmark = pytest.mark.stack

COUNTS = {
    "sales": 12,
    "tags": 32,
    "configuration": 1,
    "companies": 50,
    "contacts": 250,
    "deals": 75,
    "tasks": 90,
    "contact_notes": 185,
    "deal_notes": 100,
}


def _filled(stack: Any, seed: int = 7) -> str:
    dsn: str = stack.new_source()
    generator.create(dsn)
    generator.load(dsn, generator.generate(seed=seed, scale=0.05))
    return dsn


@pytest.fixture(scope="module")
def crm(stack: Any) -> str:
    """A small CRM nobody edits."""
    return _filled(stack)


@pytest.fixture
def conn(crm: str) -> Iterator[psycopg.Connection[Any]]:
    """A session whose work is rolled back."""
    with psycopg.connect(crm) as connection:
        connection.execute("set search_path = public, extensions")
        yield connection
        connection.rollback()


def _dump(dsn: str) -> dict[str, bytes]:
    found = {}
    with psycopg.connect(dsn) as connection:
        connection.execute("set timezone = 'UTC'")
        for table in COUNTS:
            with connection.cursor().copy(f"copy (select * from {table} order by id) to stdout".encode()) as rows:
                found[table] = b"".join(bytes(row) for row in rows)
    return found


def test_same_seed_same_bytes(stack: Any, crm: str) -> None:
    """Two loads of one seed dump to the same bytes; another seed to others."""
    first = _dump(crm)
    assert first == _dump(_filled(stack))
    other = _dump(_filled(stack, seed=8))
    assert [table for table in COUNTS if first[table] == other[table]] == ["configuration"]


@pytest.mark.parametrize("oddity", generator.oddities_of(Made.HEAD), ids=lambda oddity: oddity.id)
def test_every_oddity_is_there(conn: psycopg.Connection[Any], oddity: Oddity) -> None:
    """At scale 0.05 each kind of dirt is found at least three times, the megabyte once (S0-91's edge cases)."""
    row = conn.execute(f"select count(*) from {oddity.table} t where {oddity.where}".encode()).fetchone()
    assert row is not None
    assert row[0] >= oddity.least == (1 if oddity.id.endswith("megabyte") else 3)


def test_loading_is_fast(stack: Any) -> None:
    """15,000 rows in less than 8 seconds."""
    dsn = stack.new_source()
    generator.create(dsn)
    data = generator.generate(seed=1, scale=1)
    began = time.monotonic()
    generator.load(dsn, data)
    assert time.monotonic() - began < 8


def test_identities_go_on_after_the_loaded_ids(conn: psycopg.Connection[Any]) -> None:
    """An insert after the load meets no existing id."""
    for table, columns, values in (
        ("companies", "name", "'n'"),
        ("contacts", "first_name", "'n'"),
        ("tags", "name, color", "'n', 'c'"),
        ("deals", "name, stage", "'n', 's'"),
        ("tasks", "contact_id", "(select min(id) from contacts)"),
        ("contact_notes", "contact_id", "(select min(id) from contacts)"),
        ("deal_notes", "deal_id", "(select min(id) from deals)"),
    ):
        row = conn.execute(
            f"insert into {table} ({columns}) values ({values}) returning id, (select max(id) from {table})".encode()
        )
        assert (got := row.fetchone()) is not None
        assert got[0] == got[1] + 1


def test_triggers_change_rows_behind_the_application(conn: psycopg.Connection[Any]) -> None:
    """Logo from the website, e-mails to lower case, avatar, last_seen by a note (`atomic_crm.md` 1.5)."""
    logo = conn.execute("insert into companies (name, website) values ('c', 'https://www.A.example/x') returning logo")
    assert logo.fetchone() == ({"src": "https://favicon.show/A.example", "title": "Company favicon"},)
    emails = [{"email": "A@B.example", "type": "Work"}, {"type": "Home"}, "bare", None]
    row = conn.execute(
        "insert into contacts (email_jsonb, last_seen) values (%s, '2020-01-01') returning id, email_jsonb, avatar",
        [psycopg.types.json.Jsonb(emails)],
    ).fetchone()
    assert row is not None
    assert row[1:] == (
        [{"email": "a@b.example", "type": "Work"}, None, None, None],
        {"src": "https://favicon.show/b.example"},
    )
    conn.execute("insert into contact_notes (contact_id, date) values (%s, '2021-01-01 UTC')", [row[0]])
    seen = conn.execute("select extract(year from last_seen at time zone 'UTC') from contacts where id = %s", [row[0]])
    assert seen.fetchone() == (2021,)
    with pytest.raises(psycopg.DataError):
        conn.execute("""insert into contacts (email_jsonb) values ('{"email": "top@level.example"}')""")


def test_users_become_sales_and_log_ins_write_them_anew(conn: psycopg.Connection[Any]) -> None:
    """A sign-in updates the sale without a visible change; a user without a name is 'Pending' (`atomic_crm.md` 1.5)."""
    before = conn.execute("select *, xmin::text from sales where id = 1").fetchone()
    conn.execute("update auth.users set last_sign_in_at = now() where id = (select user_id from sales where id = 1)")
    after = conn.execute("select *, xmin::text from sales where id = 1").fetchone()
    assert before is not None
    assert after is not None
    assert before[:-1] == after[:-1]
    assert before[-1] != after[-1]
    conn.execute("insert into auth.users (email) values ('new@crm.example.com')")
    made = conn.execute("select first_name, last_name, administrator, disabled from sales order by id desc limit 1")
    assert made.fetchone() == ("Pending", "Pending", False, False)


def test_merging_by_the_function_orders_emails_anew(conn: psycopg.Connection[Any]) -> None:
    """By length, then bytes: the primary e-mail changes; tags and deals follow (`atomic_crm.md` 5.10)."""
    mails = (["long.name@example.com", "b@x.example"], ["a@x.example", "b@x.example"])
    ids = [
        conn.execute(
            "insert into contacts (email_jsonb, phone_jsonb, tags, title) values (%s, null, %s, %s) returning id",
            [psycopg.types.json.Jsonb([{"email": mail, "type": kind} for mail in items]), tags, title],
        ).fetchone()
        for items, kind, tags, title in zip(mails, ("Work", "Home"), ([1, 2], [2, 3]), (None, "Boss"), strict=True)
    ]
    (winner,), (loser,) = (row for row in ids if row)
    deal = "insert into deals (name, stage, contact_ids) values ('d', 'won', %s) returning id"
    made = conn.execute(deal, [[loser, 1, winner]]).fetchone()
    task = "insert into tasks (contact_id) values (%s) returning id"
    todo = conn.execute(task, [loser]).fetchone()
    conn.execute("select merge_contacts(%s, %s)", [loser, winner])
    row = conn.execute("select email_jsonb, phone_jsonb, tags, title from contacts where id = %s", [winner]).fetchone()
    assert row is not None
    assert [(e["email"], e["type"]) for e in row[0]] == [
        ("a@x.example", "Home"),
        ("b@x.example", "Work"),
        ("long.name@example.com", "Work"),
    ]
    assert (row[1], sorted(row[2]), row[3]) == ([], [1, 2, 3], "Boss")
    assert conn.execute("select count(*) from contacts where id = %s", [loser]).fetchone() == (0,)
    assert conn.execute("select contact_id from tasks where id = %s", todo).fetchone() == (winner,)
    named = conn.execute(
        "select array(select unnest(contact_ids) order by 1) from deals where id = %s", made
    ).fetchone()
    assert named == ([1, winner],)
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        conn.execute("update contacts set email_jsonb = '[null]' where id = %s", [winner])
        conn.execute("select merge_contacts(2, %s)", [winner])


def test_what_was_planted_is_counted_with_its_end(crm: str) -> None:
    """Every reason has rows at scale 0.05, and none of them is expected dead or asked."""
    with psycopg.connect(crm) as connection:
        counted = planted.count(connection)
    assert [one for one in counted if one.rows < 3 and one.object != "configuration"] == []
    assert {(one.object, one.rows) for one in counted if one.end is End.FILTERED} == {
        ("sale", 12),
        ("tag", 32),
        ("configuration", 1),
    }
    assert {one.end for one in counted} == {End.FILTERED, End.DANGLING, End.FLAGGED}
    data = generator.generate(seed=7, scale=0.05).planted
    exact = {(one.object, one.reason): one.rows for one in counted}
    assert exact["task", "assigneeId:owner_not_in_source"] == data["task.owner.dangling"]
    assert exact["deal", "pointOfContactId:not_in_source"] == sum(
        count for name, count in data.items() if name.startswith("deal.contacts.dangling")
    )
    assert exact["deal", "closeDate:out_of_range"] == data["deal.closing.year_9999"]


def test_row_level_security_hides_rows_without_an_error(conn: psycopg.Connection[Any]) -> None:
    """A role that may select and has no policy reads nothing: the trap preflight must see (`atomic_crm.md` 5.4)."""
    counts = {}
    for role in ("anon", "authenticated", "service_role"):
        conn.execute(f"set local role {role}".encode())
        row = conn.execute("select count(*) from companies").fetchone()
        counts[role] = row and row[0]
        conn.execute("reset role")
    assert counts == {"anon": 0, "authenticated": 50, "service_role": 50}


def test_catalog_and_typed_rows(crm: str) -> None:
    """The head era is known by introspection, and every row of every table can be read with its types."""
    source = Settings(dsn=crm)
    with source_settings.connect(source, purpose="test") as conn:
        found = catalog.read(source, conn)
    tables = catalog.captured(found)
    assert catalog.era(found) is Era.HEAD
    assert found["public.companies"].columns["website"].type == "citext"
    assert [(t.name, t.key, t.replica_identity) for t in tables] == [
        (f"public.{name}", ("id",), "default") for name in COUNTS
    ]
    with read.snapshot(source) as conn:
        counts = read.counts(conn, tables)
        assert counts == {f"public.{name}": count for name, count in COUNTS.items()}
        assert {t.name: sum(1 for _ in read.rows(conn, t)) for t in tables} == counts
        sales = read.read_sales(conn)
        assert [sale.key for sale in sales] == [str(i) for i in range(1, 13)]
        assert sum(sale.disabled for sale in sales) == 3
        assert read.configuration(conn)["currency"] == "EUR"
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            conn.execute("delete from contacts")


def test_times_that_python_cannot_hold_are_text(crm: str) -> None:
    """Infinity, BC and year 20000 do not end a reading."""
    with read.snapshot(Settings(dsn=crm)) as conn:
        row = conn.execute(
            "select '-infinity'::timestamptz, '0044-03-15 BC'::date, '20000-01-01'::timestamp, '1 mon'::interval"
        ).fetchone()
    assert row == ("-infinity", "0044-03-15 BC", "20000-01-01 00:00:00", "1 mon")


def test_another_schema_is_lg_0302(stack: Any) -> None:
    """What is no Atomic CRM is refused with what was found."""
    dsn = stack.new_source()
    with psycopg.connect(dsn) as connection:
        connection.execute("create table customers (id int primary key)")
    source = Settings(dsn=dsn)
    with source_settings.connect(source, purpose="test") as conn, pytest.raises(LockgateError) as refused:
        catalog.read(source, conn)
    assert refused.value.code == "LG-0302"
    assert "public.customers" in refused.value.details[0]


def test_preflight_is_silent_where_all_is_well(crm: str) -> None:
    """A superuser, logical WAL, a free slot."""
    names = list(catalog.OBJECTS.values())
    source = Settings(dsn=crm)
    with source_settings.connect(source, purpose="test") as conn:
        found = capture.preflight(conn, "acme", names, tuple(catalog.tables(conn).values()))
    assert found == ()
    capture.require(found)


def test_preflight_names_what_is_wrong(stack: Any) -> None:
    """A plain role without REPLICATION, blinded by policies; missing and keyless tables (LG-0303)."""
    dsn = _filled(stack)
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("drop role if exists blind")
        admin.execute("create role blind login")
        admin.execute("grant usage on schema public to blind; grant select on companies to blind")
        admin.execute("create table keyless (id int); alter table keyless replica identity nothing, owner to blind")
        try:
            source = Settings(dsn=dsn)
            with source_settings.connect(source, purpose="test") as conn:
                tables = tuple(catalog.tables(conn).values())
                conn.execute("set role blind")
                names = ["public.companies", "public.sales", "public.nothing", "public.keyless"]
                found = capture.preflight(conn, "acme", names, tables)
                with pytest.raises(LockgateError) as refused:
                    capture.publish(conn, "acme", tables)
        finally:
            admin.execute("drop owned by blind; drop role blind")
    assert {(f.check, f.found.split(":")[0]) for f in found if f.check not in ("role", "publication")} == {
        ("tables", "public.nothing does not exist"),
        ("owner", "does not own public.companies"),
        ("row level security", "sees public.companies through policies"),
        ("select", "may not read public.sales"),
        ("owner", "does not own public.sales"),
        ("row level security", "sees public.sales through policies"),
        ("key", "public.keyless has no primary key"),
        ("replica identity", "public.keyless has REPLICA IDENTITY NOTHING"),
    }
    assert {"role", "publication"} <= {f.check for f in found}
    assert refused.value.code == "LG-0303"
    with pytest.raises(LockgateError) as blocked:
        capture.require(found)
    assert len(blocked.value.details) == len(found)
