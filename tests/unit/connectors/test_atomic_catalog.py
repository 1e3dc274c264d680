"""Which era of Atomic CRM a schema is, by its fingerprint (`atomic_crm.md` 1.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from connectors.atomic_crm import catalog
from connectors.atomic_crm.catalog import Era
from schemas.catalog import Column, Table
from schemas.errors import LockgateError

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "atomic_crm"


def _tables(**columns: str) -> dict[str, Table]:
    """`companies="id website:citext"` and so on."""
    return {
        f"public.{table}": Table(
            name=f"public.{table}",
            key=("id",),
            columns={
                name: Column(name=name, type=type_ or "text")
                for name, _, type_ in (word.partition(":") for word in words.split())
            },
        )
        for table, words in columns.items()
    }


HEAD = {
    "companies": "id:bigint website:citext",
    "contacts": "id:bigint email_jsonb:jsonb phone_jsonb:jsonb",
    "sales": "id:bigint email:citext",
    "configuration": "id:integer config:jsonb",
}
_G4 = {**HEAD, "companies": "id:bigint website", "sales": "id:bigint email"}
_G3 = {name: words for name, words in _G4.items() if name != "configuration"}
_G2 = {**_G3, "contactNotes": "id:bigint", "dealNotes": "id:bigint"}


@pytest.mark.parametrize(
    ("columns", "era"),
    [
        (HEAD, Era.HEAD),
        ({**HEAD, "sales": "id:bigint email"}, Era.G4),
        (_G4, Era.G4),
        (_G3, Era.G3),
        (_G2, Era.G2),
        ({**_G2, "contacts": "id:bigint email_jsonb:jsonb phone_1_number"}, Era.G1B),
        ({**_G2, "contacts": "id:bigint email phone_1_number"}, Era.G1),
        ({**HEAD, "contacts": "id:bigint mail"}, Era.UNKNOWN),
        ({"companies": "id:bigint"}, Era.UNKNOWN),
        ({}, Era.UNKNOWN),
    ],
)
def test_era_by_fingerprint(columns: Mapping[str, str], era: Era) -> None:
    """One sign tells each era from the next."""
    assert catalog.era(_tables(**columns)) is era


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference is not part of the repository")
@pytest.mark.parametrize(
    ("name", "era"),
    [("v1.0.0", Era.G1), ("2025-01", Era.G2), ("v1.5.0", Era.G4), ("head", Era.HEAD)],
)
def test_era_of_real_schemas(name: str, era: Era) -> None:
    """The schemas read from the project's own migrations."""
    raw = json.loads((REFERENCE / f"schema_{name}.json").read_text(encoding="utf-8"))["tables"]
    found = {
        f"public.{table}": Table(
            name=f"public.{table}",
            key=tuple(shape["primary_key"][0]["columns"]) if shape["primary_key"] else (),
            columns={c["name"]: Column(name=c["name"], type=c["data_type"]) for c in shape["columns"]},
        )
        for table, shape in raw.items()
    }
    assert catalog.era(found) is era


_REST = {"tags": "id:bigint", "deals": "id:bigint", "tasks": "id:bigint"}
_NOTES = {"contact_notes": "id:bigint", "deal_notes": "id:bigint"}
_CAMEL = {"contactNotes": "id:bigint", "dealNotes": "id:bigint"}


def test_captured_tables_are_named_parents_first() -> None:
    """Everything an Atomic CRM holds and nothing beside it; missing ones are LG-0302 by their names."""
    strangers = {"favicons_excluded_domains": "id:bigint", "contacts_summary": "id:bigint", "customers": "id:bigint"}
    found = _tables(**HEAD, **_REST, **{**_NOTES, **strangers})
    assert [table.name for table in catalog.captured(found)] == [
        f"public.{name}"
        for name in (
            "sales",
            "tags",
            "configuration",
            "companies",
            "contacts",
            "deals",
            "tasks",
            "contact_notes",
            "deal_notes",
        )
    ]
    del found["public.contacts"], found["public.deal_notes"]
    with pytest.raises(LockgateError) as missing:
        catalog.captured(found)
    assert missing.value.code == "LG-0302"
    assert "public.contacts, public.deal_notes" in str(missing.value)


def test_older_eras_have_older_names_and_no_configuration() -> None:
    """`contactNotes` until 2026-01-15; the configuration came in February 2026."""
    older = {name: words for name, words in HEAD.items() if name not in ("configuration", "contact_notes")}
    objects = catalog.objects(_tables(**older, **_REST, **_CAMEL))
    assert objects["contact_note"].name == "public.contactNotes"
    assert objects["deal_note"].name == "public.dealNotes"
    assert set(catalog.OBJECTS) - set(objects) == {"configuration"}


def test_another_schema_is_looked_at_when_told() -> None:
    """Names follow the schema that the migration file names."""
    found = {f"crm.{full.partition('.')[2]}": table for full, table in _tables(**HEAD, **_REST, **_NOTES).items()}
    assert set(catalog.objects(found, "crm")) == set(catalog.OBJECTS)
