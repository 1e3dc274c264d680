"""What the data holds that will not simply move, and what must become of it in Twenty: counted in the source itself.

The conditions are true of any moment, so a rehearsal may ask after its team has stopped. They follow the decisions of
the default plans, and their reasons are the flags those plans write (`<field>:<code>`): tags, sales and the
configuration only feed others; links to what is not there are left out; a stage that is not configured becomes the
first one; what Twenty cannot hold is kept as text. No row of these tables is beyond what Twenty takes, so none is
expected dead, and nothing waits for a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg
from psycopg import sql

from sandbox.atomic_crm import configuration, eras
from sandbox.atomic_crm.eras import Era

Conn = psycopg.Connection[Any]
LAST_YEAR = 2200  #: of Twenty's DATE_TIME (`twenty.md` 1.9)
LARGEST_AMOUNT = (2**53 - 1) // 1_000_000  #: in whole units: Twenty's JSON holds micros digit by digit up to 2^53


class End(StrEnum):
    """What becomes of a row."""

    FILTERED = "filtered"  #: not written: it only feeds others
    DANGLING = "dangling"  #: moves; a link to a row that is not there is left out
    FLAGGED = "flagged"  #: moves; a value is kept elsewhere, or taken otherwise
    ASKED = "asked"  #: waits for a person
    DEAD = "dead"  #: Twenty will never take it


@dataclass(frozen=True, kw_only=True)
class Expected:
    """One reason why rows do not simply move."""

    object: str  #: as in the migration, e.g. `contact_note`
    end: End
    reason: str  #: the flag of the default plan, or `feeds`
    where: str  #: exact SQL condition over alias `t`


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Which rows an expectation meets now."""

    object: str
    end: End
    reason: str
    keys: Sequence[str]  #: source keys, in key order

    @property
    def rows(self) -> int:
        """Their number."""
        return len(self.keys)


#: object → table by its head name.
TABLES: Mapping[str, str] = {
    "sale": "sales",
    "tag": "tags",
    "configuration": "configuration",
    "company": "companies",
    "contact": "contacts",
    "deal": "deals",
    "task": "tasks",
    "contact_note": "contact_notes",
    "deal_note": "deal_notes",
}


def expected(era: Era = Era.HEAD) -> tuple[Expected, ...]:
    """Every reason that rows of that era can have."""
    feeders = [name for name in ("sale", "tag", "configuration") if eras.has(era, TABLES[name])]
    stages = _values(era, "dealStages", configuration.STAGES)
    rest = (
        ("contact", End.DANGLING, "tags:not_in_source", _missing("tags", "tags")),
        ("contact", End.FLAGGED, "createdAt:out_of_range", _far("first_seen")),
        ("deal", End.DANGLING, "pointOfContactId:not_in_source", _missing("contact_ids", "contacts")),
        ("deal", End.FLAGGED, "stage:unknown_value", sql.SQL("t.stage not in ({})").format(stages).as_string(None)),
        (
            "deal",
            End.FLAGGED,
            "categoryOption:unknown_value",
            _unknown(era, "category", "dealCategories", configuration.CATEGORIES),
        ),
        ("deal", End.FLAGGED, "closeDate:out_of_range", _far("expected_closing_date")),
        ("deal", End.FLAGGED, "amount:too_large", f"abs(t.amount::numeric) > {LARGEST_AMOUNT}"),
        ("task", End.DANGLING, "assigneeId:owner_not_in_source", _no_owner()),
        (
            "task",
            End.FLAGGED,
            "taskTypeOption:unknown_value",
            _unknown(era, "type", "taskTypes", configuration.TASK_TYPES),
        ),
        ("task", End.FLAGGED, "dueAt:out_of_range", _far("due_date")),
        ("contact_note", End.FLAGGED, "createdAt:out_of_range", _far("date")),
        ("deal_note", End.FLAGGED, "createdAt:out_of_range", _far("date")),
    )
    return (
        *(Expected(object=name, end=End.FILTERED, reason="feeds", where="true") for name in feeders),
        *(Expected(object=o, end=end, reason=reason, where=where) for o, end, reason, where in rest),
    )


def _far(column: str) -> str:
    years = f"extract(year from t.{column}) not between 1 and {LAST_YEAR}"
    return f"t.{column} is not null and (not isfinite(t.{column}) or {years})"


def _missing(column: str, table: str) -> str:
    there = f"exists (select from {table} p where p.id = i)"
    return f"exists (select from unnest(t.{column}) i where i is not null and not {there})"


def _no_owner() -> str:
    return "t.sales_id is not null and not exists (select from sales s where s.id = t.sales_id)"


def _values(era: Era, key: str, defaults: Mapping[str, str], part: str = "value") -> sql.Composed:
    """A subquery of what is configured: as saved, else upstream's list."""
    listed = [sql.SQL("({})").format(value if part == "value" else label) for value, label in defaults.items()]
    upstream = sql.SQL("select d.v from (values {}) as d (v)").format(sql.SQL(", ").join(listed))
    if era in eras.OLD:
        return upstream
    saved = sql.SQL("select s ->> {} from configuration c, jsonb_array_elements(c.config -> {}) s").format(part, key)
    return sql.SQL("{saved} union all {upstream} where not exists ({saved})").format(saved=saved, upstream=upstream)


def _unknown(era: Era, column: str, key: str, defaults: Mapping[str, str]) -> str:
    """No configured value, none by its label, and none by the slug that upstream makes of labels."""
    query = sql.SQL(
        "{column} <> '' and {column} not in ({values})"
        " and lower(btrim({column})) not in (select lower(l.v) from ({labels}) as l (v))"
        " and trim(both '-' from regexp_replace(lower({column}), '[^a-z0-9]+', '-', 'g')) not in ({values})"
    )
    return query.format(
        column=sql.Identifier("t", column),
        values=_values(era, key, defaults),
        labels=_values(era, key, defaults, "label"),
    ).as_string(None)


def count(conn: Conn, era: Era = Era.HEAD, schema: str = "public") -> tuple[Counted, ...]:
    """Every expectation with the rows that meet it now, those that nothing meets too; all of one moment. Reads only."""
    found = []
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        conn.execute(
            "select set_config('search_path', %s, true), set_config('TimeZone', 'UTC', true)", [f"{schema}, extensions"]
        )
        for one in expected(era):
            table = sql.Identifier(schema, eras.table(era, TABLES[one.object]))
            query = sql.SQL("select t.id::text from {} t where ").format(table).as_string(conn) + one.where
            keys = [key for (key,) in conn.execute(f"{query} order by t.id".encode())]
            found.append(Counted(object=one.object, end=one.end, reason=one.reason, keys=keys))
    return tuple(found)
