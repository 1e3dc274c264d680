"""The tables of four eras in a real PostgreSQL: as the reference has them, filled, dirty, known by introspection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors.atomic_crm import capture, catalog, read
from connectors.atomic_crm import settings as source_settings
from connectors.atomic_crm.settings import Settings
from sandbox.atomic_crm import eras, generator, planted
from sandbox.atomic_crm.eras import Era
from sandbox.atomic_crm.generator import Data
from schemas.errors import LockgateError

pytestmark = pytest.mark.stack

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "atomic_crm"
FOUND = {
    Era.V1_0_0: catalog.Era.G1,
    Era.Y2025_01: catalog.Era.G2,
    Era.V1_5_0: catalog.Era.G4,
    Era.HEAD: catalog.Era.HEAD,
}


@pytest.fixture(scope="module", params=list(Era))
def crm(request: pytest.FixtureRequest, stack: Any) -> tuple[Era, str, Data]:
    """A small CRM of each era that nobody edits."""
    era: Era = request.param
    dsn: str = stack.new_source()
    data = generator.generate(seed=7, scale=0.05, era=era)
    generator.create(dsn, era)
    generator.load(dsn, data)
    return era, dsn, data


def test_every_oddity_is_there(crm: tuple[Era, str, Data]) -> None:
    """What a database of the era can hold is there at least three times, the megabyte once."""
    era, dsn, _ = crm
    few = {}
    with psycopg.connect(dsn) as conn:
        conn.execute("set search_path = public, extensions")
        for oddity in generator.oddities_of(era):
            query = f'select count(*) from "{eras.table(era, oddity.table)}" t where {oddity.where}'
            row = conn.execute(query.encode()).fetchone()
            if row is None or row[0] < oddity.least:
                few[oddity.id] = row
    assert few == {}


def test_rows_are_as_generated(crm: tuple[Era, str, Data]) -> None:
    """The era is known by introspection, its tables by their own names, and every row is read with its types."""
    era, dsn, data = crm
    source = Settings(dsn=dsn)
    with source_settings.connect(source, purpose="test") as conn:
        found = catalog.read(source, conn)
        there = capture.preflight(conn, "acme", [t.name for t in catalog.captured(found)], tuple(found.values()))
    assert catalog.era(found) is FOUND[era]
    assert there == ()
    tables = catalog.captured(found)
    expected = {f"public.{eras.table(era, name)}": len(rows) for name, rows in data.tables().items()}
    with read.snapshot(source) as conn:
        assert read.counts(conn, tables) == expected
        rows = {t.name: {row["id"]: row for row in read.rows(conn, t)} for t in tables}
        assert len(read.read_sales(conn)) == 12
        assert set(read.configuration(conn)) == (set() if era in eras.OLD else set(data.configuration[0]["config"].obj))
    assert {name: len(found) for name, found in rows.items()} == expected
    for deal in data.deals:
        assert rows["public.deals"][deal["id"]] == {k: v for k, v in deal.items() if k != "legacy"}


def test_views_and_lists_of_the_program_are_not_captured(crm: tuple[Era, str, Data]) -> None:
    """Nothing but the tables of objects: no view, no user, no list of excluded icons."""
    era, dsn, data = crm
    with source_settings.connect(Settings(dsn=dsn), purpose="test") as conn:
        views = conn.execute("select viewname from pg_views where schemaname = 'public' order by 1").fetchall()
        found = catalog.tables(conn)
        capture.publish(conn, "acme", catalog.captured(found))
        published = capture.published(conn, "acme")
        capture.drop(conn, "acme")
    assert [name for (name,) in views] == ["companies_summary", "contacts_summary", "init_state"]
    assert published == {f"public.{eras.table(era, name)}" for name in data.tables()}
    left = {name for name in found if published is not None and name not in published}
    assert left == (set() if era in eras.OLD else {"public.favicons_excluded_domains"})


def test_what_was_planted_is_counted(crm: tuple[Era, str, Data]) -> None:
    """Every reason that the era knows has rows."""
    era, dsn, _ = crm
    with psycopg.connect(dsn) as conn:
        counted = planted.count(conn, era)
    assert [one for one in counted if one.rows < 3 and one.object != "configuration"] == []
    assert ("configuration" in {one.object for one in counted}) is (era not in eras.OLD)


def test_eras_of_days_are_refused_by_name(stack: Any) -> None:
    """Between two migrations, or before the configuration came: LG-0302 says which era it is."""
    dsn = stack.new_source()
    generator.create(dsn)
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("drop table configuration")
    source = Settings(dsn=dsn)
    with source_settings.connect(source, purpose="test") as conn:
        with pytest.raises(LockgateError) as refused:
            catalog.read(source, conn)
        assert refused.value.code == "LG-0302"
        assert "'2026-01'" in str(refused.value)
        conn.execute("alter table contacts add column phone_1_number text")
        with pytest.raises(LockgateError) as older:
            catalog.read(source, conn)
        assert "'2025-01-10'" in str(older.value)


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference is not part of the repository")
def test_tables_are_those_of_the_reference(crm: tuple[Era, str, Data]) -> None:
    """Columns, their holes, types, nullability, keys, foreign keys and policies equal the era's."""
    era, dsn, _ = crm
    wanted = json.loads((REFERENCE / f"schema_{era.value}.json").read_text(encoding="utf-8"))["tables"]
    with source_settings.connect(Settings(dsn=dsn), purpose="test") as conn:
        found = catalog.tables(conn)
        policies = conn.execute(
            "select tablename, policyname, cmd, roles::text[], regexp_replace(qual, '^public.', ''),"
            " regexp_replace(with_check, '^public.', '') from pg_policies where schemaname = 'public'"
        ).fetchall()
        keys = conn.execute(
            "select conrelid::regclass::text, conname, confrelid::regclass::text, confdeltype::text, confupdtype::text"
            " from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace"
        ).fetchall()
        holes = conn.execute(
            "select attnum::int from pg_attribute where attrelid = 'contacts'::regclass and attisdropped order by 1"
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
    if era in eras.OLD:
        assert [hole for (hole,) in holes] == wanted["contacts"]["dropped_column_positions"]
