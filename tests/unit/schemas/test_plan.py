"""schemas.plan: who reads whom, options, shapes, order, and a revision that covers them all."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import mapping_files
from schemas import plan as plans
from schemas.enums import Option
from schemas.plan import FieldRule, ObjectPlan, Plan
from streams.transform import converters

OBJECTS = mapping_files.load("atomic_crm", "twenty", converters=converters.names())


def _plan(**more: Any) -> Plan:
    given: dict[str, Any] = {"objects": OBJECTS, "columns": {}, "owners": {}, "policies": {}, **more}
    return Plan(source="atomic_crm", destination="twenty", id_namespace="x", **given)


def test_readers_are_those_who_read_not_those_who_point() -> None:
    """DESIGN 2: a contact points to its company and a note to its contact; neither reads it."""
    plan = _plan()
    assert plan.readers("company") == {}
    assert plan.readers("contact") == {"deal": frozenset({"id", "first_name", "last_name", "email_jsonb"})}
    assert plan.readers("configuration") == {"deal": frozenset({"config"})}
    assert plan.readers("tag") == {name: frozenset({"name"}) for name in ("company", "contact", "deal")}
    assert plan.readers("nobody") == {}
    everything = frozenset({"email", "first_name", "last_name"})
    assert plan.readers("sale") == {
        **dict.fromkeys(("company", "contact", "deal", "task"), frozenset({"email"})),
        **dict.fromkeys(("contact_note", "deal_note"), everything),
    }
    assert {o.object for o, _ in plan.dependants("company")} == {"contact", "deal"}
    assert {o.object for o, _ in plan.dependants("contact")} == {"deal", "task", "contact_note"}


def test_columns_that_change_a_record() -> None:
    """A dragged card changes nothing; what parts read counts."""
    assert "index" not in _plan().object("deal").read_columns()
    assert "contact_id" in _plan().object("contact_note").read_columns()


def test_the_order_of_loading() -> None:
    """S0-22, S0-78: companies, people, opportunities, tasks, notes; rows that feed others come first."""
    assert [o.object for o in OBJECTS if o.destination] == [
        "company", "contact", "deal", "task", "contact_note", "deal_note"
    ]  # fmt: skip
    assert [o.object for o in plans.in_dependency_order(tuple(reversed(OBJECTS)))] == [o.object for o in OBJECTS]


def test_options_are_the_defaults_until_the_source_has_its_own() -> None:
    """S0-25, `atomic_crm.md` 3.3: six stages, the misspelt one kept; found ones replace a list as a whole."""
    names = [option.name for option in _plan().options["deal_stage"]]
    assert names == ["OPPORTUNITY", "PROPOSAL_SENT", "IN_NEGOCIATION", "WON", "LOST", "DELAYED"]
    found = _plan(enums={"deal_stage": [{"value": "демо", "label": "Демо"}, {"value": "2nd", "label": "Second, call"}]})
    assert found.options["deal_stage"] == (
        Option(value="демо", label="Демо", name="OPTION_18C739F1", color="sky", position=0),
        Option(value="2nd", label="Second; call", name="OPTION_2ND", color="turquoise", position=1),
    )
    assert found.options["task_type"] == _plan().options["task_type"]


def test_two_stages_of_one_value_or_of_one_name() -> None:
    """`atomic_crm.md` 3.5: forks have both."""
    raw = [{"value": v, "label": v.upper()} for v in ("a-b", "a_b", "a-b")]
    made = _plan(enums={"deal_stage": raw}).options["deal_stage"]
    assert [(option.value, option.name) for option in made] == [("a-b", "A_B"), ("a_b", "A_B_648FA9B3")]


def test_options_are_as_long_as_twenty_takes() -> None:
    """63 characters of a value and of a label, also where two begin alike (twenty.md 3.3)."""
    raw = [{"value": f"{first}{'x' * 90}{n}", "label": f"{first}{'🙂' * 90}"} for first in "1a" for n in range(2)]
    made = _plan(enums={"deal_stage": raw}).options["deal_stage"]
    assert len({option.name for option in made}) == len(raw)
    assert [option for option in made if len(option.name) > 63 or len(option.label.encode("utf-16-le")) > 126] == []
    assert made[0].label == f"1{'🙂' * 31}"


def test_every_shape_once() -> None:
    """Two tables of notes become one object: a field both need is provisioned once; stage is Twenty's own."""
    shapes = _plan().shapes()
    assert len(shapes) == len({(destination, shape.name) for destination, shape in shapes})
    assert [(d, s.name) for d, s in shapes if s.standard] == [("opportunity", "stage")]
    assert {(d, s.name, s.enum) for d, s in shapes if s.type == "SELECT"} == {
        ("opportunity", "stage", "deal_stage"),
        ("opportunity", "categoryOption", "deal_category"),
        ("task", "taskTypeOption", "task_type"),
    }
    assert {(d, s.name) for d, s in shapes if s.type == "ARRAY"} == {
        ("company", "tags"), ("person", "tags"), ("opportunity", "tags"), ("opportunity", "furtherContacts")
    }  # fmt: skip


@pytest.mark.parametrize(
    "more",
    [
        {"enums": {"deal_stage": [{"value": "x", "label": "X"}]}},
        {"owners": {"a@b.example": "m"}},
        {"objects": OBJECTS[:-1]},
        {"columns": {"deal": {"amount": "bigint"}}},
    ],
)
def test_a_revision_covers_everything(more: dict[str, Any]) -> None:
    """Law 6: another option, owner, object or column type is another revision; the content alone makes it again."""
    plan = _plan(**more)
    assert plan.revision() != _plan().revision()
    again = Plan.model_validate(plan.content())
    assert (again, again.revision()) == (plan, plan.revision())


def test_a_copy_has_properties_of_its_own() -> None:
    """What was looked up on the original says nothing about a changed copy."""
    rule = FieldRule.model_validate({"to": "a", "from": "x", "convert": "text"})
    original = ObjectPlan(object="thing", table="public.things", key=("id",), destination="thing", fields=(rule,))
    assert original.read_columns() == {"x"}
    assert original.model_copy(update={"fields": ()}).read_columns() == frozenset()
    plan = _plan()
    assert plan.readers("tag")
    assert plan.model_copy(update={"objects": ()}).readers("tag") == {}
