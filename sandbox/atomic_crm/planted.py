"""What the data holds that will not simply move, and what must become of it in Twenty: counted in the source itself.

The conditions are true of any moment, so a rehearsal may ask after its team has stopped. They follow the decisions of
the default plan: tags, sales and the configuration only feed others; links to what is not there are left out; a stage
that is not configured becomes the first one; a moment that Twenty cannot hold is kept as text (`twenty.md` 1.9). No row
of these tables is beyond what Twenty takes, so none is expected dead, and nothing waits for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import psycopg
from psycopg import sql

from sandbox.atomic_crm import configuration, eras
from sandbox.atomic_crm.eras import Era

Conn = psycopg.Connection[Any]


class End(StrEnum):
    """What becomes of a row."""

    FILTERED = "filtered"  #: not written: it only feeds others
    DANGLING = "dangling"  #: moves; a link to a row that is not there is left out
    FLAGGED = "flagged"  #: moves; a value is kept elsewhere, flagged
    ASKED = "asked"  #: waits for a person
    DEAD = "dead"  #: Twenty will never take it


@dataclass(frozen=True, kw_only=True)
class Expected:
    """One reason why rows do not simply move."""

    object: str  #: as in the migration, e.g. `contact_note`
    table: str  #: by its head name
    end: End
    reason: str  #: a stable word
    where: str  #: SQL condition over alias `t`, exact


@dataclass(frozen=True, kw_only=True)
class Counted:
    """How many rows an expectation meets now."""

    object: str
    end: End
    reason: str
    keys: Sequence[str]  #: source keys, in key order

    @property
    def rows(self) -> int:
        """Their number."""
        return len(self.keys)


def _far(column: str) -> str:
    years = f"extract(year from t.{column}) not between 1 and 2200"
    return f"t.{column} is not null and (not isfinite(t.{column}) or {years})"


def _missing(column: str, table: str) -> str:
    there = f"exists (select from {table} p where p.id = i)"
    return f"exists (select from unnest(t.{column}) i where i is not null and not {there})"


def _expected(era: Era) -> tuple[Expected, ...]:
    note_date = _far("date")
    feeds = [("sale", "sales"), ("tag", "tags")] + ([("configuration", "configuration")] if era not in eras.OLD else [])
    rest = (
        ("contact", "contacts", End.DANGLING, "tag_not_in_source", _missing("tags", "tags")),
        ("contact", "contacts", End.FLAGGED, "out_of_range", _far("first_seen")),
        ("deal", "deals", End.DANGLING, "contact_not_in_source", _missing("contact_ids", "contacts")),
        ("deal", "deals", End.FLAGGED, "unknown_stage", _unknown_stage(era)),
        ("deal", "deals", End.FLAGGED, "out_of_range", _far("expected_closing_date")),
        ("task", "tasks", End.DANGLING, "owner_not_in_source", _no_owner()),
        ("task", "tasks", End.FLAGGED, "out_of_range", _far("due_date")),
        ("contact_note", "contact_notes", End.FLAGGED, "out_of_range", note_date),
        ("deal_note", "deal_notes", End.FLAGGED, "out_of_range", note_date),
    )
    return (
        *(Expected(object=o, table=t, end=End.FILTERED, reason="feeds", where="true") for o, t in feeds),
        *(Expected(object=o, table=t, end=e, reason=r, where=w) for o, t, e, r, w in rest),
    )


def _no_owner() -> str:
    return "t.sales_id is not null and not exists (select from sales s where s.id = t.sales_id)"


def _unknown_stage(era: Era) -> str:
    defaults = ", ".join(f"'{value}'" for value in configuration.STAGES)
    if era in eras.OLD:
        return f"t.stage not in ({defaults})"
    saved = "select s ->> 'value' from configuration c, jsonb_array_elements(c.config -> 'dealStages') s"
    return f"case when exists ({saved}) then t.stage not in ({saved}) else t.stage not in ({defaults}) end"


def count(conn: Conn, era: Era = Era.HEAD, schema: str = "public") -> tuple[Counted, ...]:
    """Every expectation with the rows that meet it now; those that nothing meets too. Reads only."""
    found = []
    with conn.transaction():
        conn.execute(
            "select set_config('search_path', %s, true), set_config('TimeZone', 'UTC', true)", [f"{schema}, extensions"]
        )
        for one in _expected(era):
            table = sql.Identifier(schema, eras.table(era, one.table))
            query = sql.SQL("select t.id::text from {} t where ").format(table).as_string(conn) + one.where
            keys = [key for (key,) in conn.execute(f"{query} order by t.id".encode())]
            found.append(Counted(object=one.object, end=one.end, reason=one.reason, keys=keys))
    return tuple(found)
