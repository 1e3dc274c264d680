"""The generator without a database: the same seed gives the same rows, and nothing real is in them."""

from __future__ import annotations

import re
from typing import Any

import phonenumbers
import pytest
from psycopg.types.json import Jsonb

from sandbox.atomic_crm import generator, words
from sandbox.atomic_crm.eras import Era
from sandbox.atomic_crm.generator import ODDITIES, Data


def _plain(data: Data) -> dict[str, list[dict[str, Any]]]:
    """Rows that can be compared: psycopg's wrappers have no equality."""
    return {
        name: [{key: _bare(value) for key, value in row.items()} for row in rows]
        for name, rows in data.tables().items()
    }


def _bare(value: Any) -> Any:
    if isinstance(value, list):
        return [_bare(item) for item in value]
    return value.obj if isinstance(value, Jsonb) else value


@pytest.mark.parametrize("era", list(Era))
def test_same_seed_same_rows(era: Era) -> None:
    """Seed, scale and era decide everything, and the seed matters in each table that chance fills."""
    one, again, other = (_plain(generator.generate(seed=seed, scale=0.05, era=era)) for seed in (7, 7, 8))
    assert one == again
    assert [name for name in one if one[name] == other[name]] == [name for name in one if name == "configuration"]


@pytest.mark.parametrize("scale", [0.001, 0.05, 0.2])
def test_scale(scale: float) -> None:
    """1,000 companies, 5,000 contacts, 1,500 deals, 7,500 notes and tasks at scale 1; whatever has a foreign key
    refers to a row that exists."""
    data = generator.generate(seed=1, scale=scale)
    assert len(data.companies) == round(1000 * scale)
    assert len(data.contacts) == round(5000 * scale)
    assert len(data.deals) == round(1500 * scale)
    assert sum(map(len, (data.tasks, data.contact_notes, data.deal_notes))) == pytest.approx(7500 * scale, abs=1)
    assert len(data.sales) == 12
    companies = {row["id"] for row in data.companies}
    assert len(companies) == len(data.companies)
    assert {row["company_id"] for row in data.contacts} <= {*companies, None}
    assert {row["company_id"] for row in data.deals} <= {*companies, None}
    people, deals = {row["id"] for row in data.contacts}, {row["id"] for row in data.deals}
    assert {row["contact_id"] for row in (*data.tasks, *data.contact_notes)} <= people
    assert {row["deal_id"] for row in data.deal_notes} <= deals
    owned = (*data.companies, *data.contacts, *data.deals, *data.contact_notes, *data.deal_notes)
    assert {row["sales_id"] for row in owned} <= {*range(1, 13), None}


def test_nothing_real_in_it() -> None:
    """Every host is of a reserved name (RFC 2606), but for the networks named in profile links."""
    text = str(_plain(generator.generate(seed=7, scale=0.2)))
    hosts = {host.lower() for host in re.findall(r"(?:@|://)([\w.-]+\.[a-zA-Z]{2,})", text)}
    assert len(hosts) > 100
    strange = [host for host in hosts if not re.search(r"(^|\.)(example|example\.(com|org|net))$", host)]
    assert sorted(strange) == ["www.linkedin.com"]


def test_configuration_is_empty_or_complete() -> None:
    """`{}`, or every key as the settings page saves them, with stages whose value is no slug of their label."""
    empty = _plain(generator.generate(seed=7, scale=0.01, configured=generator.EMPTY))["configuration"]
    saved = _plain(generator.generate(seed=7, scale=0.01))["configuration"][0]["config"]
    assert empty == [{"id": 1, "config": {}}]
    forked = generator.generate(seed=7, scale=0.05, configured=generator.FORKED)
    assert {"contract", "in_transit", "成交"} <= {deal["stage"] for deal in forked.deals}
    assert set(saved) == {
        "title",
        "lightModeLogo",
        "darkModeLogo",
        "currency",
        "companySectors",
        "dealCategories",
        "taskTypes",
        "dealStages",
        "dealPipelineStatuses",
        "noteStatuses",
    }
    assert "opportunity" not in {stage["value"] for stage in saved["dealStages"]}
    assert [s["value"] for s in saved["dealStages"] if words.slug(s["label"]) != s["value"]] == [
        "lead",
        "proposal-sent",
        "in-negociation",
        "delayed",
    ]


@pytest.mark.parametrize("era", list(Era))
def test_every_oddity_is_planted(era: Era) -> None:
    """The generator says on how many rows it put each: all it wanted at scale 0.05, in every era that holds it."""
    planted = generator.generate(seed=7, scale=0.05, era=era).planted
    few = {o.id: planted.get(o.id, 0) for o in generator.oddities_of(era) if planted.get(o.id, 0) < o.least}
    assert few == {}
    assert set(planted) == {o.id for o in generator.oddities_of(era)}


def test_phones_are_valid_for_libphonenumber() -> None:
    """Ranges kept for fiction that libphonenumber still accepts."""
    rng = generator.Random(3)
    numbers = [words.phone(rng) for _ in range(500)]
    assert [n for n in numbers if not phonenumbers.is_valid_number(phonenumbers.parse(n))] == []


def test_oddities_have_ids_of_their_own() -> None:
    """An oddity is listed once, under its table."""
    ids = [oddity.id for oddity in ODDITIES]
    assert len(set(ids)) == len(ids)
    tables = {
        "sale": "sales",
        "company": "companies",
        "contact": "contacts",
        "tag": "tags",
        "deal": "deals",
        "task": "tasks",
        "contact_note": "contact_notes",
        "deal_note": "deal_notes",
    }
    assert {(o.id.split(".")[0], o.table) for o in ODDITIES} == set(tables.items())
