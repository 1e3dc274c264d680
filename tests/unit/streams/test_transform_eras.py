"""Rows of older eras: other columns and types, the same payload (issue 4, item 6)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from schemas import column_types, mapping_files
from schemas.catalog import Column, Table
from schemas.change_event import UNAVAILABLE
from schemas.plan import Plan
from streams.transform import emails, money, phones, projection, references, titles
from streams.transform.converted import Given
from streams.transform.projection import Projected, Refused

GOLDEN = Path(__file__).parents[2] / "golden"
ERAS = {
    **json.loads((GOLDEN / "older_columns.json").read_text()),
    "head": json.loads((GOLDEN / "head_columns.json").read_text()),
}


def _plan(era: str) -> Plan:
    tables = {
        name: Table(name=name, key=("id",), columns={c: Column(name=c, type=t) for c, t in columns.items()})
        for name, columns in ERAS[era].items()
    }
    objects = mapping_files.load("atomic_crm", "twenty", tables=tables)
    columns = {o.object: ERAS[era][o.table] for o in objects}
    return Plan(
        source="atomic_crm",
        destination="twenty",
        id_namespace="x",
        objects=objects,
        columns=columns,
        owners={},
        policies={},
    )


def _projected(era: str, kind: str, image: dict[str, Any], related: dict[Any, Any] | None = None) -> Projected:
    plan = _plan(era)
    row = column_types.decode_row(image, plan.columns[kind])
    result = projection.project(plan, plan.object(kind), str(image["id"]), row, related or {}, frozenset())
    assert isinstance(result, Projected)
    return result


def test_a_contact_of_the_first_era_is_the_contact_of_today() -> None:
    """`atomic_crm.md` 1.1, 2.2: one e-mail and two phones in columns of their own, or in JSON: one payload."""
    first = {
        "id": 1,
        "email": "Ada@Example.com",
        "phone_1_number": "+33 6 12 34 56 78",
        "phone_1_type": "Work",
        "phone_2_number": "+1 650 253 0000",
        "phone_2_type": None,
    }
    today = {
        "id": 1,
        "email_jsonb": '[{"email": "ada@example.com"}]',
        "phone_jsonb": '[{"number": "+33 6 12 34 56 78", "type": "Work"}, {"number": "+1 650 253 0000", "type": ""}]',
    }
    assert _projected("v1.0.0", "contact", first) == _projected("head", "contact", today)


@pytest.mark.parametrize(
    ("raw", "primary", "additional", "leftover"),
    [
        (None, "", [], ()),
        ("", "", [], ()),
        ("a@x.example,B@y.example; ", "a@x.example", ["b@y.example"], ()),
        ("a@x.example, nobody", "", [], ("a@x.example, nobody",)),
        ('"x"@y.example', "", [], ('"x"@y.example',)),
    ],
)
def test_the_e_mail_of_the_first_era(raw: str | None, primary: str, additional: list[str], leftover: Any) -> None:
    """`atomic_crm.md` 2.2, 7.5: null, empty, several in one; what is no list of addresses is kept as it is."""
    converted = emails.email_text(Given(values=(raw,)))
    assert converted.value == {"primaryEmail": primary, "additionalEmails": additional}
    assert converted.leftover == leftover


def test_the_second_phone_without_a_first() -> None:
    """`atomic_crm.md` 2.2: the pair that stopped upstream's own migration."""
    converted = phones.phone_columns(Given(values=(None, None, "+33612345678", "Home")))
    assert converted.value["primaryPhoneNumber"] == "612345678"
    assert converted.leftover == ("+33612345678 (Home)",)
    nothing = phones.phone_columns(Given(values=(None, None, None, None))).value
    assert (nothing["primaryPhoneNumber"], nothing["additionalPhones"]) == ("", [])


def test_a_company_of_the_first_era() -> None:
    """`atomic_crm.md` 1.1: "stateAbbr" is the state."""
    fields = _projected("v1.0.0", "company", {"id": 1, "name": "Acme", "stateAbbr": "CA"}).parts[0].fields
    assert fields["address"]["addressState"] == "CA"


@pytest.mark.parametrize(
    ("era", "raw", "stored"),
    [
        ("2025-01", "2025-02-28T22:00:00Z", "2025-02-28T22:00:00.000Z"),
        ("2025-01", "2025-03-02T04:30:00.123456Z", "2025-03-02T04:30:00.123Z"),
        ("v1.5.0", 20148, "2025-03-01T00:00:00.000Z"),
        ("head", 0, "1970-01-01T00:00:00.000Z"),
        ("head", -719162, "0001-01-01T00:00:00.000Z"),
    ],
)
def test_the_closing_date_was_a_moment_once(era: str, raw: Any, stored: str) -> None:
    """`atomic_crm.md` 7.15: the instant is kept where there is one; a date is midnight UTC."""
    image = {"id": 1, "name": "x", "stage": "won", "expected_closing_date": raw}
    assert _projected(era, "deal", image).parts[0].fields["closeDate"] == stored


def test_deals_before_there_were_settings() -> None:
    """`atomic_crm.md` 1.1: no configuration table: the default currency, and nothing is read or waited for."""
    image = {"id": 1, "name": "x", "stage": "won", "amount": 5, "contact_ids": [1, 2]}
    related = {("contact", "1"): {"id": 1}, ("contact", "2"): {"id": 2, "first_name": "B", "email": "B@x.example"}}
    fields = _projected("2025-01", "deal", image, related).parts[0].fields
    assert fields["amount"] == {"amountMicros": 5_000_000, "currencyCode": "USD"}
    first = _projected("v1.0.0", "deal", image, related).parts[0].fields
    assert first["furtherContacts"] == ["B <b@x.example>"]
    assert projection.reads(_plan("2025-01").object("deal"), image) == (("contact", "1"), ("contact", "2"))
    assert projection.references(_plan("head").object("deal"), image)[-1] == ("configuration", "1")


def test_references_of_arrays_and_fixed_rows() -> None:
    """S0-10: everything pointed to and read, once, in the order of the rules; reading is the smaller set."""
    deal = _plan("head").object("deal")
    image = {"company_id": 17, "contact_ids": [4, None, 4, 5], "sales_id": 3}
    contacts = (("contact", "4"), ("contact", "5"))
    assert projection.references(deal, image) == (("company", "17"), *contacts, ("configuration", "1"), ("sale", "3"))
    assert projection.reads(deal, image) == (*contacts, ("configuration", "1"), ("sale", "3"))
    note = _plan("head").object("contact_note")
    assert projection.references(note, {"contact_id": 4, "sales_id": 3}) == (("sale", "3"), ("contact", "4"))
    assert projection.reads(note, {"contact_id": 4, "sales_id": 3}) == (("sale", "3"),)


@pytest.mark.parametrize("value", [UNAVAILABLE, list(UNAVAILABLE.encode()), [UNAVAILABLE]])
def test_a_placeholder_names_nobody_and_is_never_written(value: Any) -> None:
    """Law 8, `atomic_crm.md` 5.6: an array of numbers that was not sent comes as the placeholder's 28 letters."""
    plan = _plan("head")
    image = {"id": 1, "tags": value}
    assert projection.references(plan.object("contact"), image) == ()
    result = projection.project(plan, plan.object("contact"), "1", image, {}, frozenset())
    assert result == Refused(code="LG-0603", reason="never captured: tags")


@pytest.mark.parametrize(
    ("amount", "micros", "flags"),
    [
        (Decimal("12.5"), 12_500_000, ()),
        (Decimal("-0.000001"), -1, ()),
        (Decimal("0.0000001"), None, ("no_number",)),
        (Decimal("NaN"), None, ("no_number",)),
        (Decimal("1e300"), None, ("too_large",)),
        (True, None, ("no_number",)),
        ("12", None, ("no_number",)),
    ],
)
def test_amounts_of_forks(amount: Any, micros: int | None, flags: tuple[str, ...]) -> None:
    """S0-26: exact or kept as text; a fork's numeric column may hold anything."""
    converted = money.money(Given(values=(amount,), settings={"currency": "EUR"}))
    assert converted.value == {"amountMicros": micros, "currencyCode": None if micros is None else "EUR"}
    assert converted.flags == flags
    assert len(converted.leftover) == (1 if flags else 0)


def test_the_codes_of_iso_4217() -> None:
    """Three capitals each; the list knows those in use, and no word that looks like one."""
    assert {len(code) for code in money.ISO_4217} == {3}
    assert {"USD", "EUR", "TWD", "XAF", "CHF", "JPY"} <= money.ISO_4217
    assert not {"DEM", "ZZZ", "BTC", "EURO"} & money.ISO_4217
    assert len(money.ISO_4217) > 150


def test_a_title_of_a_date_alone_and_of_nothing() -> None:
    """S0-27: the day of a note without text; a word where there is not even a day."""
    day = datetime(2024, 5, 6, 23, 59, tzinfo=UTC)
    assert titles.title(Given(values=(None, day), settings={"otherwise": "Note"})).value == "2024-05-06"
    assert titles.title(Given(values=(None, date(9999, 12, 31)))).value == "9999-12-31"
    assert titles.title(Given(values=("\u200b \n", "infinity"), settings={"otherwise": "Note"})).value == "Note"


def test_a_part_is_not_made_of_an_impossible_key() -> None:
    """S0-27: a note whose link names nobody has no target; its text is not lost."""
    result = _projected("head", "contact_note", {"id": 7, "contact_id": None, "text": "x"})
    assert [part.object for part in result.parts] == ["note"]
    assert result.refs == ()
    assert references.keys_of({"a": 1}) == ()
