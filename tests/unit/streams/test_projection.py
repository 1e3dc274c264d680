"""streams.transform.projection: references, refusals, and where unique values go."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import mapping_files
from schemas.change_event import UNAVAILABLE
from schemas.desired import Claim
from schemas.plan import FieldRule, ObjectPlan, Plan
from streams.transform import converters, projection
from streams.transform.projection import Projected, Refused

OBJECTS = mapping_files.load("atomic_crm", "twenty", converters=converters.names())


def _plan(*objects: ObjectPlan) -> Plan:
    return Plan(
        source="atomic_crm",
        destination="twenty",
        id_namespace="x",
        objects=objects or OBJECTS,
        columns={},
        owners={},
        policies={},
    )


def _rule(**values: Any) -> FieldRule:
    return FieldRule.model_validate(values)


def test_references_of_a_contact() -> None:
    """S0-10, S0-20: a contact points to its company and reads its owner; each named once."""
    image = {"id": 1, "company_id": 17, "sales_id": 3}
    assert projection.references(_plan().object("contact"), image) == (("company", "17"), ("sale", "3"))


def test_references_of_a_company_name_its_owner_once() -> None:
    """Two rules read sales_id: one reference."""
    assert projection.references(_plan().object("company"), {"sales_id": 3}) == (("sale", "3"),)


@pytest.mark.parametrize("image", [{}, {"company_id": None, "sales_id": None}, {"company_id": [], "sales_id": True}])
def test_no_references(image: dict[str, Any]) -> None:
    """Null, absent and impossible keys name nobody."""
    assert projection.references(_plan().object("contact"), image) == ()


def test_rows_that_feed_others_are_not_projected() -> None:
    """A sale is filtered: feeds (law 3)."""
    result = projection.project(_plan(), _plan().object("sale"), "3", {"id": 3}, {}, frozenset())
    assert result == Refused(code="LG-0609", reason="sale rows only feed other records")


@pytest.mark.parametrize("value", [UNAVAILABLE, [UNAVAILABLE], list(UNAVAILABLE.encode())])
def test_a_placeholder_is_never_written(value: Any) -> None:
    """Law 8: a value that was never captured refuses the record instead of being written."""
    result = projection.project(_plan(), _plan().object("contact"), "1", {"background": value}, {}, frozenset())
    assert result == Refused(code="LG-0603", reason="never captured: background")


def test_a_placeholder_in_a_column_that_stays_behind_does_not_matter() -> None:
    """avatar is not moved, so its placeholder stops nothing."""
    row = {"id": 1, "avatar": UNAVAILABLE}
    assert isinstance(projection.project(_plan(), _plan().object("contact"), "1", row, {}, frozenset()), Projected)


def test_lines_say_their_column_only_where_rules_share_a_field() -> None:
    """A field with one source needs no label; a shared one is readable by its labels."""
    alone = ObjectPlan(
        object="thing",
        table="public.things",
        key=("id",),
        destination="thing",
        fields=(_rule(to="site", **{"from": "url"}, convert="link", leftover="notes"),),
    )
    shared = alone.model_copy(
        update={"fields": (*alone.fields, _rule(to="at", **{"from": "at"}, convert="moment", leftover="notes"))}
    )
    row = {"url": "no url", "at": "infinity"}
    for plan, notes in ((alone, "no url"), (shared, "url: no url\nat: infinity")):
        result = projection.project(_plan(plan), plan, "1", row, {}, frozenset())
        assert isinstance(result, Projected)
        assert result.parts[0].fields["notes"] == notes


def test_a_leftover_without_a_place_is_flagged() -> None:
    """A mapping of the user's that gives no field for it does not lose a value in silence."""
    plan = ObjectPlan(
        object="thing",
        table="public.things",
        key=("id",),
        destination="thing",
        fields=(_rule(to="site", **{"from": "url"}, convert="link"),),
    )
    result = projection.project(_plan(plan), plan, "1", {"url": "no url"}, {}, frozenset())
    assert isinstance(result, Projected)
    assert result.flags == ("site:unusable", "site:not_kept")


def test_all_of_a_losers_values_are_somewhere() -> None:
    """A loser of domain and address has both in text, and claims both still: it may win them later."""
    contact = _plan().object("contact")
    row = {"email_jsonb": [{"email": "A@x.example", "type": "Work"}]}
    claim = Claim(field="emails.primaryEmail", value="a@x.example")
    result = projection.project(_plan(), contact, "1", row, {}, frozenset({claim}))
    assert isinstance(result, Projected)
    fields = result.parts[0].fields
    assert fields["emails"] == {"primaryEmail": "", "additionalEmails": ["a@x.example"]}
    assert fields["keptValues"] == "email_jsonb: a@x.example"
    assert fields["migrationFlags"] == "emails:duplicate"
    assert result.claims == (claim,)
