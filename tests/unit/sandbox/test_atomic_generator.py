"""The generator without a database: the same seed gives the same rows, and nothing real is in them."""

from __future__ import annotations

import re
from typing import Any

import phonenumbers
import pytest
from psycopg.types.json import Jsonb

from sandbox.atomic_crm import generator, words
from sandbox.atomic_crm.generator import ODDITIES, Data


def _plain(data: Data) -> dict[str, list[dict[str, Any]]]:
    """Rows that can be compared: psycopg's wrappers have no equality."""
    tables = {"sales": data.sales, "companies": data.companies, "contacts": data.contacts, "tags": data.tags}
    return {
        name: [{key: value.obj if isinstance(value, Jsonb) else value for key, value in row.items()} for row in rows]
        for name, rows in tables.items()
    }


def test_same_seed_same_rows() -> None:
    """Seed and scale decide everything, and the seed matters."""
    one, again, other = (_plain(generator.generate(seed=seed, scale=0.05)) for seed in (7, 7, 8))
    assert one == again
    assert one["contacts"] != other["contacts"]


@pytest.mark.parametrize("scale", [0.001, 0.05, 0.2])
def test_scale(scale: float) -> None:
    """1,000 companies and 5,000 contacts at scale 1; every reference is to a row that exists."""
    data = generator.generate(seed=1, scale=scale)
    assert len(data.companies) == round(1000 * scale)
    assert len(data.contacts) == round(5000 * scale)
    assert len(data.sales) == 12
    companies = {row["id"] for row in data.companies}
    assert len(companies) == len(data.companies)
    assert {row["company_id"] for row in data.contacts} <= {*companies, None}
    assert {row["sales_id"] for row in (*data.companies, *data.contacts)} <= {*range(1, 13), None}


def test_nothing_real_in_it() -> None:
    """Every host is of a reserved name (RFC 2606), but for the networks named in profile links."""
    text = str(_plain(generator.generate(seed=7, scale=0.2)))
    hosts = {host.lower() for host in re.findall(r"(?:@|://)([\w.-]+\.[a-zA-Z]{2,})", text)}
    assert len(hosts) > 100
    strange = [host for host in hosts if not re.search(r"(^|\.)(example|example\.(com|org|net))$", host)]
    assert sorted(strange) == ["www.linkedin.com"]


def test_phones_are_valid_for_libphonenumber() -> None:
    """Ranges kept for fiction that libphonenumber still accepts."""
    rng = generator.Random(3)
    numbers = [words.phone(rng) for _ in range(500)]
    assert [n for n in numbers if not phonenumbers.is_valid_number(phonenumbers.parse(n))] == []


def test_oddities_have_ids_of_their_own() -> None:
    """An oddity is listed once, under its table."""
    ids = [oddity.id for oddity in ODDITIES]
    assert len(set(ids)) == len(ids)
    assert {oddity.id.split(".")[0] for oddity in ODDITIES} == {"sale", "company", "contact"}
