"""schemas.eras: one mapping file an object serves the four eras; nothing of any of them is left out in silence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from schemas import mapping_files
from schemas.catalog import Column, Table
from schemas.errors import LockgateError
from schemas.plan import ObjectPlan, Plan
from streams.transform import converters

GOLDEN = Path(__file__).parents[2] / "golden"
REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "atomic_crm"
HEAD = json.loads((GOLDEN / "head_columns.json").read_text())
ERAS: dict[str, dict[str, dict[str, str]]] = {**json.loads((GOLDEN / "older_columns.json").read_text()), "head": HEAD}


def tables(found: Mapping[str, Mapping[str, str]]) -> dict[str, Table]:
    """Columns by table as a catalog."""
    return {
        name: Table(name=name, key=("id",), columns={c: Column(name=c, type=t) for c, t in columns.items()})
        for name, columns in found.items()
    }


def load(found: Mapping[str, Mapping[str, str]], folder: Path | None = None) -> dict[str, ObjectPlan]:
    """The packaged mappings against these tables."""
    plans = mapping_files.load(
        "atomic_crm", "twenty", folder=folder, tables=tables(found), converters=converters.names()
    )
    return {plan.object: plan for plan in plans}


@pytest.mark.parametrize("era", ERAS)
def test_every_column_of_an_era_is_mapped_or_listed(era: str) -> None:
    """S0-15, S0-17: every table and column of the era is read, listed with a reason, or a key, by its own name, and
    nothing is named that is not there; nothing standard is carried as a custom field."""
    plans = load(ERAS[era])
    unresolved = mapping_files.load("atomic_crm", "twenty")
    left_behind = {table for plan in unresolved for table in plan.tables_not_moved}
    assert {plan.table for plan in plans.values()} | (left_behind & set(ERAS[era])) == set(ERAS[era])
    for plan in plans.values():
        named = plan.read_columns() | set(plan.key) | set(plan.not_moved)
        assert named == set(ERAS[era][plan.table])
        assert not plan.read_columns() & set(plan.not_moved)
        assert [rule.to for rule in plan.fields if rule.to.startswith("custom")] == []
        assert all(len(reason) > 20 for reason in plan.not_moved.values())
        for rule in plan.references():
            assert {*(rule.reads or ())} <= set(ERAS[era][plans[str(rule.target)].table])


@pytest.mark.parametrize("era", ERAS)
def test_the_destination_is_the_same_for_every_era(era: str) -> None:
    """Issue 4: the eras move alike; the same fields are written whatever the columns are called."""
    here, head = load(ERAS[era]), load(HEAD)
    assert {*head} - {*here} == ({"configuration"} if "public.configuration" not in ERAS[era] else set())
    for name, plan in here.items():
        assert [rule.to for rule in plan.fields] == [rule.to for rule in head[name].fields]
        assert plan.shapes == head[name].shapes
        assert plan.parts == head[name].parts


def test_the_first_era_by_its_own_names() -> None:
    """`atomic_crm.md` 1.1: one e-mail column, two pairs of phones, camelCase tables, no settings."""
    plans = load(ERAS["v1.0.0"])
    rules = {rule.to: rule for rule in plans["contact"].fields}
    assert (rules["emails"].from_, rules["emails"].convert) == (("email",), "email_text")
    assert rules["phones"].from_ == ("phone_1_number", "phone_1_type", "phone_2_number", "phone_2_type")
    assert plans["contact_note"].table == "public.contactNotes"
    assert plans["deal_note"].table == "public.dealNotes"
    address = next(rule for rule in plans["company"].fields if rule.to == "address")
    assert address.from_ == ("address", "city", "stateAbbr", "zipcode", "country")
    deal = {rule.to: rule for rule in plans["deal"].fields}
    assert deal["furtherContacts"].reads == ("first_name", "last_name", "email")
    assert deal["amount"].with_ == {"currency": "USD"}


def test_the_head_era_reads_the_settings_and_the_json() -> None:
    """`atomic_crm.md` 1.3."""
    deal = {rule.to: rule for rule in load(HEAD)["deal"].fields}
    assert deal["furtherContacts"].reads == ("first_name", "last_name", "email_jsonb")
    assert (deal["amount"].target, deal["amount"].reads) == ("configuration", ("config",))


def test_tags_on_companies_and_deals_move_where_there_are_any() -> None:
    """S0-46, S0-47: whichever of the three objects has tags."""
    found = {**HEAD}
    for table in ("public.companies", "public.deals"):
        found[table] = {**found[table], "tags": "bigint[]"}
    with_, without = load(found), load(HEAD)
    for name in ("company", "deal"):
        assert "tags" in {rule.to for rule in with_[name].fields} & {shape.name for shape in with_[name].shapes}
        assert "tags" not in {rule.to for rule in without[name].fields} | {shape.name for shape in without[name].shapes}


def test_a_column_of_a_fork_is_carried_as_text() -> None:
    """S0-17, `atomic_crm.md` 1.7: a field and a rule, in the plan and so in its revision; names do not collide."""
    found = {**HEAD, "public.companies": {**HEAD["public.companies"], "custom_fields": "jsonb", "customFields": "text"}}
    company = load(found)["company"]
    assert [(rule.to, rule.from_, rule.convert) for rule in company.fields[-2:]] == [
        ("customCustomFields", ("custom_fields",), "text"),
        ("customCustomFields2", ("customFields",), "text"),
    ]
    assert [(s.name, s.type, s.label) for s in company.shapes[-2:]] == [
        ("customCustomFields", "TEXT", "custom_fields"),
        ("customCustomFields2", "TEXT", "customFields"),
    ]


def test_a_table_that_is_missing_or_two_names_at_once() -> None:
    """The newest name wins; a table that every era has must be there."""
    both = {**HEAD, "public.contactNotes": ERAS["2025-01"]["public.contactNotes"]}
    assert load(both)["contact_note"].table == "public.contact_notes"
    with pytest.raises(LockgateError) as caught:
        load({name: columns for name, columns in HEAD.items() if name != "public.tags"})
    assert list(caught.value.details) == ["atomic_crm--twenty/tag.yaml:3: the source has no table 'public.tags'"]


def test_an_era_between_two_is_a_fault_not_a_guess(tmp_path: Path) -> None:
    """A form whose columns are there in part is not chosen; the columns missing and left over are named."""
    found = {**HEAD, "public.contacts": {**HEAD["public.contacts"], "phone_1_number": "text"}}
    del found["public.contacts"]["phone_jsonb"]
    with pytest.raises(LockgateError) as caught:
        load(found)
    assert [fault.split(": ", 1)[1] for fault in caught.value.details] == [
        "public.contacts has no column 'phone_jsonb'"
    ]


def test_the_era_is_part_of_the_revision() -> None:
    """Law 6: what an approval covers are the names that are there."""
    revisions = set()
    for found in ERAS.values():
        plan = Plan(
            source="atomic_crm",
            destination="twenty",
            id_namespace="x",
            objects=tuple(load(found).values()),
            columns={},
            owners={},
            policies={},
        )
        assert Plan.model_validate(plan.content()) == plan
        assert Plan.model_validate(plan.content()).revision() == plan.revision()
        revisions.add(plan.revision())
    assert len(revisions) == 4 - 1  # v1.5.0 and head differ in types only, which stand in `columns`


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the recorded catalogs are not here")
@pytest.mark.parametrize("era", ERAS)
def test_our_copy_of_the_catalogs_is_whole(era: str) -> None:
    """The reduced copies hold every table and column of the recorded ones."""
    recorded = json.loads((REFERENCE / f"schema_{era}.json").read_text())["tables"]
    assert ERAS[era] == {
        f"public.{name}": {column["name"]: column["data_type"] for column in table["columns"]}
        for name, table in recorded.items()
    }
