"""The eras of Atomic CRM's tables: which files make them, what their tables are called, how rows look in them.

Rows are generated as the head era has them; an older era's rows are those rewritten (`atomic_crm.md` 1.1, 2, 3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from enum import StrEnum
from importlib import resources
from typing import Any

from psycopg.types.json import Jsonb

from sandbox.atomic_crm import configuration

Row = dict[str, Any]


class Era(StrEnum):
    """A version of the tables that can be made and filled."""

    V1_0_0 = "v1.0.0"  #: G1: one text e-mail, two phones, camelCase note tables
    Y2025_01 = "2025-01"  #: G2: JSON e-mails and phones
    V1_5_0 = "v1.5.0"  #: G4: snake_case, `configuration`, website still text
    HEAD = "head"  #: 2026-03-20 onwards


OLD = frozenset({Era.V1_0_0, Era.Y2025_01})  #: camelCase names, labels in place of slugs, no triggers, no configuration
ALL = frozenset(Era)
_DDL: Mapping[Era, Sequence[str]] = {
    Era.V1_0_0: ("ddl_v1_0_0.sql",),
    Era.Y2025_01: ("ddl_v1_0_0.sql", "ddl_2025_01.sql"),
    Era.V1_5_0: ("ddl.sql", "ddl_v1_5_0.sql"),
    Era.HEAD: ("ddl.sql",),
}
_CAMEL = {"contact_notes": "contactNotes", "deal_notes": "dealNotes"}


def ddl(era: Era) -> str:
    """All statements that make an empty database of that era."""
    files = ("ddl_supabase.sql", *_DDL[era], "ddl_views.sql")
    folder = resources.files("sandbox.atomic_crm")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in files)


def table(era: Era, name: str) -> str:
    """The table's name in that era: `contact_notes` was `contactNotes` until 2026."""
    return _CAMEL.get(name, name) if era in OLD else name


def has(era: Era, name: str) -> bool:
    """Whether the era has that table (by its head name)."""
    return name != "configuration" or era not in OLD


def shape(era: Era, name: str, rows: Sequence[Row]) -> Sequence[Row]:
    """Rows of the head era as that era holds them."""
    rewrite = _REWRITES.get(name)
    if era not in OLD or rewrite is None:
        return rows
    return [rewrite(era, row) for row in rows]


def _company(_era: Era, row: Row) -> Row:
    new = {"stateAbbr" if name == "state_abbr" else name: value for name, value in row.items()}
    return new | {"sector": configuration.label(configuration.SECTORS, row["sector"])}


def _contact(era: Era, row: Row) -> Row:
    if era is not Era.V1_0_0:
        return row
    new = {name: value for name, value in row.items() if name not in ("email_jsonb", "phone_jsonb")}
    phones = [p for p in _elements(row["phone_jsonb"]) if isinstance(p.get("number"), str)][:2]
    emails = [e["email"] for e in _elements(row["email_jsonb"]) if isinstance(e.get("email"), str)]
    new["email"] = row["email_text"] if "email_text" in row else (emails[0] if emails else None)
    for place in (1, 2):
        phone = phones[place - 1] if len(phones) >= place else {}
        new[f"phone_{place}_number"], new[f"phone_{place}_type"] = phone.get("number"), phone.get("type")
    if "phone_text" in row:
        new |= {"phone_1_number": row["phone_text"], "phone_1_type": row["phone_kind"]}
    if row.get("second_phone_only"):
        new |= {"phone_1_number": None, "phone_1_type": None, "phone_2_number": "+1 617 555 0119"}
    return new


def _elements(value: Any) -> list[dict[str, Any]]:
    items = value.obj if isinstance(value, Jsonb) else value
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _deal(_era: Era, row: Row) -> Row:
    closing = row["expected_closing_date"]
    instant = datetime.combine(closing, time(), UTC) if isinstance(closing, date) else None
    category = configuration.label(configuration.CATEGORIES, row["category"])
    return row | {"expected_closing_date": instant, "category": category}


def _task(_era: Era, row: Row) -> Row:
    """A task without a due date could not be stored until 2026-01-27."""
    due = row["due_date"] or datetime(2024, 12, 1, tzinfo=UTC)
    return row | {"type": configuration.label(configuration.TASK_TYPES, row["type"]), "due_date": due}


_REWRITES: Mapping[str, Callable[[Era, Row], Row]] = {
    "companies": _company,
    "contacts": _contact,
    "deals": _deal,
    "tasks": _task,
}
