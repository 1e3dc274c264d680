"""What the source's tables look like, read from pg_catalog; which era of Atomic CRM that is (`atomic_crm.md` 1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from connectors.atomic_crm.settings import Settings
from infra.postgres import Connection
from schemas.catalog import Column, Table
from schemas.errors import LockgateError

#: Table of each object by its newest name, in dependency order. Views, auth and Atomic CRM's own lists are none.
OBJECTS = {
    "sale": "public.sales",
    "tag": "public.tags",
    "configuration": "public.configuration",
    "company": "public.companies",
    "contact": "public.contacts",
    "deal": "public.deals",
    "task": "public.tasks",
    "contact_note": "public.contact_notes",
    "deal_note": "public.deal_notes",
}
#: What tables were called before 2026-01-15 (`atomic_crm.md` 1.1).
_OLDER = {"contact_notes": "contactNotes", "deal_notes": "dealNotes"}
#: Objects that older eras have no table for.
_LATER = frozenset({"configuration"})

_COLUMNS = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), not a.attnotnull, a.attgenerated <> '',
       case c.relreplident when 'd' then 'default' when 'n' then 'nothing' when 'f' then 'full' else 'index' end
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 where n.nspname = %s and c.relkind in ('r', 'p')
 order by c.relname, a.attnum
"""
_KEYS = """
select c.relname, a.attname
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  cross join lateral unnest(i.indkey) with ordinality as k (attnum, place)
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
 where n.nspname = %s and i.indisprimary
 order by c.relname, k.place
"""


class Era(StrEnum):
    """A version of the source's tables; found by introspection, never by a version string."""

    G1 = "2024-07"  #: single e-mail column, `"contactNotes"`, `"stateAbbr"`
    G1B = "2025-01-10"  #: `email_jsonb` beside `phone_1_number`, three days of main
    G2 = "2025-01"  #: JSON e-mails and phones, camelCase note tables
    G3 = "2026-01"  #: snake_case tables, no `configuration`
    G4 = "2026-02"  #: `configuration`, website still text (v1.5.0)
    HEAD = "head"  #: 2026-03-20 onwards: website and sales.email are citext
    UNKNOWN = "unknown"  #: no Atomic CRM we know


def tables(conn: Connection, schema: str = "public") -> Mapping[str, Table]:
    """Every table of the schema by its full name (`public.companies`), columns in their order."""
    columns: dict[str, dict[str, Column]] = {}
    identities: dict[str, str] = {}
    for table, name, type_, nullable, generated, identity in conn.execute(_COLUMNS, [schema]):
        column = Column(name=name, type=_plain(type_), nullable=nullable, generated=generated)
        columns.setdefault(table, {})[name] = column
        identities[table] = identity
    keys: dict[str, list[str]] = {}
    for table, name in conn.execute(_KEYS, [schema]):
        keys.setdefault(table, []).append(name)
    return {
        f"{schema}.{table}": Table(
            name=f"{schema}.{table}",
            key=tuple(keys.get(table, ())),
            columns=found,
            replica_identity=identities[table],
        )
        for table, found in columns.items()
    }


def _plain(type_: str) -> str:
    """`extensions.citext` and `citext` are one type; where its schema lies depends on the install."""
    return type_.removeprefix("extensions.")


def era(found: Mapping[str, Table], schema: str = "public") -> Era:
    """The era by its fingerprint."""

    def type_of(table: str, column: str) -> str | None:
        there = found.get(f"{schema}.{table}")
        return there.columns[column].type if there and column in there.columns else None

    citext = type_of("companies", "website") == type_of("sales", "email") == "citext"
    known = all(type_of(table, "id") for table in ("contacts", "companies", "sales"))
    signs = (
        (not known, Era.UNKNOWN),
        (type_of("contacts", "email") is not None, Era.G1),
        (type_of("contacts", "email_jsonb") is None, Era.UNKNOWN),
        (type_of("contacts", "phone_1_number") is not None, Era.G1B),
        (type_of("contactNotes", "id") is not None, Era.G2),
        (type_of("configuration", "config") is None, Era.G3),
        (not citext, Era.G4),
    )
    return next((which for sign, which in signs if sign), Era.HEAD)


#: Eras this version moves; the others were in force for days or weeks.
MOVED = frozenset({Era.G1, Era.G2, Era.G4, Era.HEAD})


def read(settings: Settings, conn: Connection) -> Mapping[str, Table]:
    """The catalog of an Atomic CRM of an era that is moved; LG-0302, with what was found, for anything else."""
    found = tables(conn, settings.schema_)
    which = era(found, settings.schema_)
    if which in MOVED:
        return found
    names = sorted(found)[:30]
    raise LockgateError(
        "LG-0302",
        f"{settings.address()} looks like the era {which.value!r}.",
        details=[f"tables of {settings.schema_}: {', '.join(names) if names else 'none'}"],
    )


def objects(found: Mapping[str, Table], schema: str = "public") -> Mapping[str, Table]:
    """Object → its table by the name it has here, in dependency order; LG-0302 names those that are missing.

    Eras before February 2026 have no configuration; then there is no such object.
    """
    there: dict[str, Table] = {}
    missing = []
    for name, full in OBJECTS.items():
        newest = full.partition(".")[2]
        names = [f"{schema}.{table}" for table in (newest, _OLDER.get(newest)) if table]
        table = next((found[each] for each in names if each in found), None)
        if table is not None:
            there[name] = table
        elif name not in _LATER:
            missing.append(names[0])
    if missing:
        raise LockgateError("LG-0302", f"Missing: {', '.join(missing)}.")
    return there


def captured(found: Mapping[str, Table], schema: str = "public") -> tuple[Table, ...]:
    """The tables that are captured, parents first; LG-0302 names those that are missing."""
    return tuple(objects(found, schema).values())
