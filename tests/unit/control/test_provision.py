"""What the plan needs of the destination, against a catalog: missing fields, options and parts by name."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from control import approve, provision
from control.context import Context
from ledger import journal
from schemas.catalog import Field, Object, WantedField
from schemas.errors import LockgateError
from schemas.plan import ObjectPlan, Plan

DEAL = ObjectPlan.model_validate(
    {
        "object": "deal",
        "table": "public.deals",
        "key": ["id"],
        "destination": "opportunity",
        "fields": [
            {"to": "companyId", "from": "company_id", "convert": "reference", "with": {"object": "company"}},
            {"to": "stage", "from": "stage", "convert": "choice", "leftover": "originalStage"},
        ],
        "parts": [
            {
                "destination": "noteTarget",
                "link": "targetPersonId",
                "fields": [{"to": "targetPersonId", "from": "contact_id", "convert": "reference"}],
            }
        ],
        "enums": {"deal_stage": [{"value": "won", "label": "Won"}, {"value": "proposal-sent", "label": "Sent"}]},
        "shapes": [
            {"name": "stage", "type": "SELECT", "label": "Stage", "enum": "deal_stage", "standard": True},
            {"name": "tags", "type": "ARRAY", "label": "Tags"},
        ],
    }
)
PLAN = Plan(
    source="s", destination="twenty", id_namespace="n", objects=(DEAL,), columns={}, owners={}, policies={}
)  # fmt: skip


def catalog(*fields: Field, parts: tuple[str, ...] = ("targetPersonId",)) -> dict[str, Object]:
    """Opportunities with these fields, and note targets."""
    target = {name: Field(name=name, type="MORPH_RELATION") for name in parts}
    return {
        "opportunity": Object(name="opportunity", plural="os", id="1", fields={one.name: one for one in fields}),
        "noteTarget": Object(name="noteTarget", plural="ns", id="2", fields=target),
    }


STAGE = Field(name="stage", type="SELECT", options=("NEW", "WON", "PROPOSAL_SENT"))
ALL = (
    STAGE,
    Field(name="companyId", type="RELATION"),
    Field(name="originalStage", type="TEXT"),
    Field(name="tags", type="ARRAY"),
)


def test_a_select_is_wanted_with_the_options_of_its_enum() -> None:
    """By the destination's own names, from the plan's shapes; one of the destination's own says so (S0-24)."""
    stage, tags = provision.wanted(PLAN)
    assert [one.name for one in stage.options] == ["WON", "PROPOSAL_SENT"]
    assert (stage.object, stage.name, stage.type, stage.standard) == ("opportunity", "stage", "SELECT", True)
    assert tags == WantedField(object="opportunity", name="tags", type="ARRAY", label="Tags")


def test_nothing_is_missing_where_everything_is() -> None:
    """A link by its id field, a part by its own object; options of the workspace's own do not matter."""
    assert provision.missing(PLAN, catalog(*ALL)) == []


def test_missing_fields_parts_and_options_are_named() -> None:
    """`object.field` and `object.field option NAME`: what `provision` makes, and what nobody can."""
    there = catalog(replace(STAGE, options=("NEW", "WON")), parts=())
    assert provision.missing(PLAN, there) == [
        "opportunity.companyId",
        "opportunity.originalStage",
        "noteTarget.targetPersonId",
        "opportunity.tags",
        "opportunity.stage option PROPOSAL_SENT",
    ]
    del there["noteTarget"]
    assert "noteTarget.targetPersonId" in provision.missing(PLAN, there)


def test_a_field_of_another_type_is_told() -> None:
    """LG-0406 with both types."""
    with pytest.raises(LockgateError) as raised:
        provision.missing(PLAN, catalog(*ALL[:-1], Field(name="tags", type="TEXT")))
    assert (raised.value.code, raised.value.details) == (
        "LG-0406",
        ("opportunity.tags is TEXT, the plan writes ARRAY",),
    )


def test_each_field_and_each_option_made_is_one_line_of_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that is new is one line; one that was there, a line an option it got (law 5: who changed shapes)."""
    lines: list[tuple[Any, ...]] = []
    stage, tags = provision.wanted(PLAN)
    kind = replace(stage, name="kind", standard=False)
    asked: list[WantedField] = []

    def make(wanted: list[WantedField]) -> list[WantedField]:
        asked.extend(wanted)
        return [tags, kind, stage]

    sink = SimpleNamespace(catalog=lambda: catalog(STAGE), provision=make)
    monkeypatch.setattr(approve, "approved", lambda context: SimpleNamespace(plan=PLAN))
    monkeypatch.setattr(
        journal, "note", lambda conn, actor, action, *, object_, key: lines.append((action, object_, key))
    )
    context = SimpleNamespace(sink=sink, ledger=lambda name: nullcontext())

    assert provision.provision(cast(Context, context)) == [tags, kind, stage]
    assert asked == [stage, tags]
    assert lines == [
        ("field made", "opportunity", "tags"),
        ("field made", "opportunity", "kind"),
        ("option made", "opportunity", "stage option WON"),
        ("option made", "opportunity", "stage option PROPOSAL_SENT"),
    ]
