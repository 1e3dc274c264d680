"""The rehearsal source in a real PostgreSQL: its tables, its dirt, its triggers, its team."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors.atomic_crm import capture, catalog, read
from connectors.atomic_crm import settings as source_settings
from connectors.atomic_crm.catalog import Era
from connectors.atomic_crm.settings import Settings
from sandbox.atomic_crm import generator, team
from sandbox.atomic_crm.generator import ODDITIES
from sandbox.atomic_crm.oddities import Oddity
from schemas.errors import LockgateError

pytestmark = pytest.mark.stack

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "atomic_crm" / "schema_head.json"
TABLES = ("sales", "companies", "contacts", "tags", "contact_notes")


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
        for table in TABLES:
            with connection.cursor().copy(f"copy (select * from {table} order by id) to stdout".encode()) as rows:
                found[table] = b"".join(bytes(row) for row in rows)
    return found


def test_same_seed_same_bytes(stack: Any, crm: str) -> None:
    """Two loads of one seed dump to the same bytes; another seed to others."""
    first = _dump(crm)
    assert first == _dump(_filled(stack))
    assert first["companies"] != _dump(_filled(stack, seed=8))["companies"]


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.id)
def test_every_oddity_is_there(conn: psycopg.Connection[Any], oddity: Oddity) -> None:
    """At scale 0.05 each kind of dirt is found at least three times (S0-91's edge cases)."""
    row = conn.execute(f"select count(*) from {oddity.table} t where {oddity.where}".encode()).fetchone()
    assert row is not None
    assert row[0] >= 3


def test_loading_is_fast(stack: Any) -> None:
    """6,000 rows in less than 5 seconds."""
    dsn = stack.new_source()
    generator.create(dsn)
    data = generator.generate(seed=1, scale=1)
    began = time.monotonic()
    generator.load(dsn, data)
    assert time.monotonic() - began < 5


def test_identities_go_on_after_the_loaded_ids(conn: psycopg.Connection[Any]) -> None:
    """An insert after the load meets no existing id."""
    for table, column in (("companies", "name"), ("contacts", "first_name")):
        row = conn.execute(
            f"insert into {table} ({column}) values ('n') returning id, (select max(id) from {table})".encode()
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
        (name, ("id",), "default") for name in ("public.sales", "public.companies", "public.contacts")
    ]
    with read.snapshot(source) as conn:
        counts = read.counts(conn, tables)
        assert counts == {"public.sales": 12, "public.companies": 50, "public.contacts": 250}
        assert {t.name: sum(1 for _ in read.rows(conn, t)) for t in tables} == counts
        sales = read.read_sales(conn)
        assert [sale.key for sale in sales] == [str(i) for i in range(1, 13)]
        assert sum(sale.disabled for sale in sales) == 3
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


_TIMELESS = """
select 'p', id, (first_name, last_name, title, status, background, tags, company_id, sales_id)::text,
       email_jsonb::text, phone_jsonb::text
  from contacts
union all
select 'c', id, (name, size, sector, sales_id, description)::text, website::text, context_links::text
  from companies
 order by 1, 2
"""


def test_team_repeats_itself(stack: Any) -> None:
    """The same seed on the same data makes the same edits; clocks apart, both databases end equal."""
    dumps, kinds = [], []
    for _ in range(2):
        dsn = _filled(stack)
        summary = team.work(dsn, rate=1e6, seed=11, seconds=None, stop=threading.Event(), changes=1500)
        kinds.append(summary["kinds"])
        with psycopg.connect(dsn) as connection:
            dumps.append(connection.execute(_TIMELESS.encode()).fetchall())
    assert dumps[0] == dumps[1]
    assert kinds[0] == kinds[1]
    assert set(team.EDITS) | {"burst"} == set(kinds[0])


def test_team_leaves_donors_alone(stack: Any) -> None:
    """Rows whose unique values others copy keep them: no two records ever want each other's value."""
    dsn = _filled(stack)
    query = (
        f"select 'c', id, website::text from companies where id % {team.DONORS} = 0 union all "
        f"select 'p', id, email_jsonb::text from contacts where id % {team.DONORS} = 0 order by 1, 2"
    ).encode()
    with psycopg.connect(dsn, autocommit=True) as connection:
        last = {
            t: connection.execute(f"select max(id) from {t}".encode()).fetchone() for t in ("companies", "contacts")
        }
        before = connection.execute(query).fetchall()
        team.work(dsn, rate=1e6, seed=5, seconds=None, stop=threading.Event(), changes=1000)
        limit = {"c": last["companies"], "p": last["contacts"]}
        after = [row for row in connection.execute(query).fetchall() if row[1] <= limit[row[0]][0]]  # type: ignore[index]
    assert after == before


def test_team_stops_on_sigterm_with_a_summary(stack: Any) -> None:
    """As a process: the pace is kept, SIGTERM ends it, the last line is JSON and counts what was written."""
    dsn = _filled(stack)
    command = [sys.executable, "-m", "sandbox.atomic_crm.team", "--dsn", dsn, "--rate", "40", "--seed", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        with psycopg.connect(dsn, autocommit=True) as connection:
            deadline = time.monotonic() + 60
            while not _edited(connection):
                assert time.monotonic() < deadline
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    summary = json.loads(output.splitlines()[-1])
    assert summary["changes"] == sum(summary["kinds"].values()) >= 20
    assert summary["changes"] - summary["kinds"].get("burst", 0) <= summary["seconds"] * 40 + 20


def _edited(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(
        "select (pg_stat_get_tuples_inserted('contacts'::regclass) - 250)"
        " + pg_stat_get_tuples_updated('contacts'::regclass) + pg_stat_get_tuples_updated('companies'::regclass)"
    ).fetchone()
    assert row is not None
    return int(row[0]) >= 20


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference is not part of the repository")
def test_tables_are_those_of_the_reference(crm: str) -> None:
    """Columns, types, nullability, keys, foreign keys and policies of all ten tables equal the head era's."""
    wanted = json.loads(REFERENCE.read_text(encoding="utf-8"))["tables"]
    source = Settings(dsn=crm)
    with source_settings.connect(source, purpose="test") as conn:
        found = catalog.tables(conn)
        policies = conn.execute(
            "select tablename, policyname, cmd, roles::text[], regexp_replace(qual, '^public.', ''),"
            " regexp_replace(with_check, '^public.', '') from pg_policies where schemaname = 'public'"
        ).fetchall()
        keys = conn.execute(
            "select conrelid::regclass::text, conname, confrelid::regclass::text, confdeltype::text, confupdtype::text"
            " from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace"
        ).fetchall()
    assert {name.split(".")[1] for name in found} == set(wanted)
    for table, shape in wanted.items():
        columns = found[f"public.{table}"].columns
        expected = {c["name"]: (c["data_type"], c["nullable"]) for c in shape["columns"]}
        assert {name: (column.type, column.nullable) for name, column in columns.items()} == expected
        assert found[f"public.{table}"].key == tuple(shape["primary_key"][0]["columns"])
    actions = {"NO ACTION": "a", "CASCADE": "c"}
    assert {(t.strip('"'), name, to, d, u) for t, name, to, d, u in keys} == {
        (table, key["name"], key["references"], actions[key["on_delete"]], actions[key["on_update"]])
        for table, shape in wanted.items()
        for key in shape["foreign_keys"]
    }
    assert {(table, name, cmd, tuple(roles), using, check) for table, name, cmd, roles, using, check in policies} == {
        (table, p["name"], p["cmd"], tuple(p["roles"]), p["using"], p["with_check"])
        for table, shape in wanted.items()
        for p in shape["policies"]
    }
