"""Arbitrary rows of every object of Atomic CRM, and their projection by the default plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from schemas import column_types, mapping_files
from schemas.catalog import Column, Table
from schemas.desired import Claim
from schemas.plan import Plan
from streams.transform import converters, projection
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
KEY_ARRAYS = st.none() | st.lists(st.none() | st.integers(min_value=1, max_value=5), max_size=5)
CONTACTS = st.fixed_dictionaries(
    {
        "id": st.integers(min_value=1),
        "first_name": st.none() | ANY_TEXT,
        "gender": st.none() | ANY_TEXT | st.sampled_from(["male", "female"]),
        "background": st.none() | ANY_TEXT,
        "first_seen": MOMENTS,
        "last_seen": MOMENTS,
        "has_newsletter": st.none() | st.booleans(),
        "tags": KEY_ARRAYS,
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
DEALS = st.fixed_dictionaries(
    {
        "id": st.integers(min_value=1),
        "name": ANY_TEXT,
        "company_id": KEYS,
        "contact_ids": KEY_ARRAYS,
        "category": st.none() | ANY_TEXT | st.sampled_from(["ui-design", "Website design"]),
        "stage": ANY_TEXT | st.sampled_from(["won", "lost", "proposal-sent"]),
        "description": st.none() | ANY_TEXT,
        "amount": st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-100_000, 100_000),
        "created_at": MOMENTS,
        "updated_at": MOMENTS,
        "archived_at": MOMENTS,
        "expected_closing_date": st.none() | st.integers(-800_000, 3_000_000) | st.just(2**31 - 1),
        "sales_id": KEYS,
    }
)
TASKS = st.fixed_dictionaries(
    {
        "id": st.integers(min_value=1),
        "contact_id": KEYS,
        "type": st.none() | ANY_TEXT | st.sampled_from(["none", "call", "Follow-up"]),
        "text": st.none() | ANY_TEXT,
        "due_date": MOMENTS,
        "done_date": MOMENTS,
        "sales_id": KEYS,
    }
)
NOTES = {
    "id": st.integers(min_value=1),
    "text": st.none() | ANY_TEXT,
    "date": MOMENTS,
    "sales_id": KEYS,
}
CONTACT_NOTES = st.fixed_dictionaries({**NOTES, "contact_id": KEYS, "status": st.none() | ANY_TEXT})
DEAL_NOTES = st.fixed_dictionaries({**NOTES, "deal_id": KEYS, "type": st.none() | ANY_TEXT})
BY_KIND = {
    "company": COMPANIES,
    "contact": CONTACTS,
    "deal": DEALS,
    "task": TASKS,
    "contact_note": CONTACT_NOTES,
    "deal_note": DEAL_NOTES,
}
ROWS = st.sampled_from(sorted(BY_KIND)).flatmap(lambda kind: st.tuples(st.just(kind), BY_KIND[kind]))
RELATED: dict[tuple[str, str], Any] = {
    ("sale", "1"): {"email": "Jane@acme.example"},
    ("sale", "2"): {"email": None},
    ("sale", "3"): None,
    ("tag", "1"): {"name": "VIP"},
    ("tag", "2"): {"name": "vip "},
    ("tag", "3"): {"name": "\ud83d\0 x"},
    ("tag", "4"): {"name": " "},
    ("contact", "1"): {"id": 1, "first_name": "Ada", "last_name": None, "email_jsonb": [{"email": "A@x.example"}]},
    ("contact", "2"): {"id": 2, "first_name": None, "last_name": "\0", "email_jsonb": "nobody"},
    ("contact", "3"): {"id": 3, "first_name": None, "last_name": None, "email_jsonb": None},
    ("configuration", "1"): {"config": {"currency": "eur"}},
}


def projected(
    name: str,
    image: dict[str, Any],
    losing: frozenset[Claim] = frozenset(),
    related: dict[tuple[str, str], Any] = RELATED,
) -> Projected:
    """The projection of a raw image."""
    plan = PLAN.object(name)
    row = column_types.decode_row(image, COLUMNS[plan.table])
    result = projection.project(PLAN, plan, str(image["id"]), row, related, losing)
    assert isinstance(result, Projected)
    return result
