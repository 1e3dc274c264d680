"""Laws of the pure transform over arbitrary rows: total, deterministic, idempotent, serialisable (S0-18 … S0-21)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.twenty import links as twenty_links
from sandbox.twenty import phones as twenty_phones
from schemas import change_event, column_types, desired, mapping_files
from schemas.catalog import Column, Table
from schemas.change_event import UNAVAILABLE
from schemas.desired import Claim
from schemas.plan import Plan
from streams.transform import converters, emails, links, phones, projection
from streams.transform.converted import Given
from streams.transform.projection import Projected

COLUMNS: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parents[1] / "golden" / "head_columns.json").read_text()
)
TABLES = {
    name: Table(name=name, key=("id",), columns={c: Column(name=c, type=t) for c, t in columns.items()})
    for name, columns in COLUMNS.items()
}
PLAN = Plan(
    source="atomic_crm",
    destination="twenty",
    id_namespace="x",
    objects=mapping_files.load("atomic_crm", "twenty", tables=TABLES, converters=converters.names()),
    columns={},
    owners={"jane@acme.example": "member-jane"},
    policies={},
)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)  # surrogates and NUL included
ADDRESSES = st.from_regex(r"\A ?[a-zA-Zäß.+\"]{0,5}@[a-zA-Zé.]{0,8} ?\Z")
SITES = st.from_regex(r"\A(https?://|HTTP://)?[a-zA-Z0-9é_.-]{0,12}\.(example|COM|рф)(:\d{1,5})?(/[a-zA-Z%é'./]{0,8})?"
                      r"(\?[a-z'é]{0,4})?(#[a-zé]{0,3})?/{0,2}\Z")  # fmt: skip
NUMBERS = st.from_regex(r"\A\+?[0-9 ()x-]{0,20}\Z") | st.from_regex(r"\A\+(1|33|39|44|49|54|7)[0-9]{7,11}\Z")
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | ADDRESSES | NUMBERS
JSON = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["email", "number", "type", "x"]) | ANY_TEXT, inner, max_size=4)
    ),
    max_leaves=12,
)
MOMENTS = (
    st.none()
    | st.datetimes().map(lambda m: m.isoformat() + "Z")
    | st.sampled_from(["infinity", "-0044-03-15T00:00:00Z"])
)
KEYS = st.none() | st.integers(min_value=1, max_value=3)
CONTACTS = st.fixed_dictionaries(
    {
        "id": st.integers(min_value=1),
        "first_name": st.none() | ANY_TEXT,
        "gender": st.none() | ANY_TEXT | st.sampled_from(["male", "female"]),
        "background": st.none() | ANY_TEXT,
        "first_seen": MOMENTS,
        "last_seen": MOMENTS,
        "has_newsletter": st.none() | st.booleans(),
        "company_id": KEYS,
        "sales_id": KEYS,
        "linkedin_url": st.none() | ANY_TEXT | SITES,
        "email_jsonb": st.none() | JSON.map(json.dumps),
        "phone_jsonb": st.none() | JSON.map(json.dumps),
    }
)
COMPANIES = st.fixed_dictionaries(
    {
        "id": st.integers(min_value=1),
        "created_at": MOMENTS,
        "name": ANY_TEXT,
        "size": st.none() | st.integers(min_value=-32768, max_value=32767),
        "website": st.none() | ANY_TEXT | SITES,
        "context_links": st.none() | JSON.map(json.dumps) | ANY_TEXT,
        "sales_id": KEYS,
    }
)
ROWS = CONTACTS.map(lambda row: ("contact", row)) | COMPANIES.map(lambda row: ("company", row))
RELATED: dict[tuple[str, str], Any] = {
    ("sale", "1"): {"email": "Jane@acme.example"},
    ("sale", "2"): {"email": None},
    ("sale", "3"): None,
}


def _project(name: str, image: dict[str, Any], losing: frozenset[Claim] = frozenset()) -> Projected:
    plan = PLAN.object(name)
    row = column_types.decode_row(image, COLUMNS[plan.table])
    result = projection.project(PLAN, plan, str(image["id"]), row, RELATED, losing)
    assert isinstance(result, Projected)
    return result


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


@settings(max_examples=400, deadline=None)
@given(ROWS)
def test_projection_is_total_deterministic_and_serialisable(row: tuple[str, dict[str, Any]]) -> None:
    """Whatever JSON stands in the columns: one payload, twice the same, that orjson writes, without NUL."""
    first, second = _project(*row), _project(*row)
    assert first == second
    written = orjson.dumps(desired.to_json(first.parts))  # refuses lone surrogates
    assert [value for value in _texts(first.parts[0].fields) if "\0" in value] == []
    assert desired.from_json(orjson.loads(written)) == first.parts


@settings(max_examples=300, deadline=None)
@given(ROWS)
def test_claims_do_not_depend_on_who_loses(row: tuple[str, dict[str, Any]]) -> None:
    """DESIGN 2, Uniqueness: the same claims however they are decided; a lost value is in text."""
    won = _project(*row)
    lost = _project(*row, losing=frozenset(won.claims))
    assert lost.claims == won.claims
    assert lost.refs == won.refs
    for claim in won.claims:
        field, subfield = claim.field.split(".")
        assert won.parts[0].fields[field][subfield] == claim.value
        assert lost.parts[0].fields[field][subfield] == ""
        assert claim.value in lost.parts[0].fields["keptValues"]


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT | SITES)
def test_a_link_sent_is_a_link_stored(raw: str) -> None:
    """A normalised link is its own normal form, for us and for the stand-in of Twenty, which was written without us."""
    url = links.normalise(raw)
    if url is not None:
        assert links.normalise(url) == url
        assert twenty_links.normal_url(url) == url


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT | ADDRESSES)
def test_an_address_sent_is_an_address_stored(raw: str) -> None:
    """A normalised address is its own normal form, also when it is read back as an element."""
    address = emails.normalise(raw)
    if address is not None:
        assert emails.normalise(address) == address
        again = emails.emails(Given(values=([{"email": address, "type": "Work"}],)))
        assert again.value == {"primaryEmail": address, "additionalEmails": []}


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT | NUMBERS)
def test_a_number_sent_is_a_number_stored(raw: str) -> None:
    """A number in Twenty's form reads back as the same number, for us and for the stand-in of Twenty."""
    phone = phones.normalise(raw)
    if phone is not None:
        again = phones.normalise(phone.calling + phone.number)
        assert again is not None
        assert again[:3] == phone[:3]
        value = phones.phones(Given(values=([raw, "+33612345678"],))).value
        stored = twenty_phones.phones_value(value, "phones")
        assert stored == value


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcd"), JSON | st.just(UNAVAILABLE)),
    st.none() | st.dictionaries(st.sampled_from("abcd"), JSON),
)
def test_fill_leaves_no_placeholder_behind(image: dict[str, Any], older: dict[str, Any] | None) -> None:
    """Law 8: what is not named as missing is a value; what was a value is untouched; filling again changes nothing."""
    whole, missing = change_event.fill(image, older)
    assert set(whole) == set(image)
    unseen = {name for name, value in whole.items() if change_event.is_unavailable(value)}
    assert unseen == set(missing)
    for name, value in image.items():
        if not change_event.is_unavailable(value):
            assert whole[name] is value
        elif name not in missing:
            assert older is not None
            assert whole[name] is older[name]
    assert repr(change_event.fill(whole, older)) == repr((whole, missing))  # repr: NaN is not equal to itself


@settings(max_examples=300, deadline=None)
@given(
    JSON, st.sampled_from(sorted({t for columns in COLUMNS.values() for t in columns.values()} | {"numeric", "date"}))
)
def test_decoding_never_raises(value: Any, pg_type: str) -> None:
    """A value that does not fit its type comes through; null stays null."""
    decoded = column_types.decode(value, pg_type)
    assert value is not None or decoded is None
