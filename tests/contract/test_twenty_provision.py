"""Shapes in Twenty: SELECT and ARRAY fields, options beside a workspace's own, all that the packaged plan writes."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import twenty_kit

from control import provision
from schemas import column_types, desired, enums, mapping_files
from schemas.answers import Verdict, Weather
from schemas.catalog import Column, Object, Table, WantedField
from schemas.errors import LockgateError
from schemas.plan import ObjectPlan, Plan
from sinks.base import Outgoing
from sinks.twenty import Settings, TwentySink
from streams.transform import converters, projection

GOLDEN = Path(__file__).parents[1] / "golden"
COLUMNS: dict[str, dict[str, str]] = json.loads((GOLDEN / "head_columns.json").read_text())
STAGES = enums.options([{"value": "proposal-sent", "label": "Proposal Sent"}, {"value": "won", "label": "Won"}])
STAGE = WantedField(object="opportunity", name="stage", type="SELECT", label="Stage", options=STAGES, standard=True)
KIND = WantedField(object="task", name="kindOption", type="SELECT", label="Kind", options=STAGES)


@pytest.fixture(params=["new", "legacy"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[twenty_kit.TwentySandbox]:
    """A fresh workspace, in both metadata formats (twenty.md 3.1)."""
    running = twenty_kit.start(tmp_path, "--metadata-format", request.param)
    yield running
    running.stop()


@pytest.fixture
def sink(server: twenty_kit.TwentySandbox) -> Iterator[TwentySink]:
    """An adapter of it."""
    made = TwentySink(Settings.model_validate({"url": server.url, "key": server.key, "timeout_s": 10}))
    yield made
    made.close()


def go() -> None:
    """A hook that lets the call go."""


def options_of(server: twenty_kit.TwentySandbox, object: str, field: str) -> list[dict[str, Any]]:
    """The options as the server tells them."""
    answer = server.call("GET", "/rest/metadata/objects?limit=200").json()["data"]
    listed = answer["objects"] if isinstance(answer, dict) else answer
    fields = next(one["fields"] for one in listed if one["nameSingular"] == object)
    return list(next(one["options"] for one in fields if one["name"] == field))


def write(sink: TwentySink, *records: Outgoing) -> None:
    """Records that are simply there afterwards."""
    answers = sink.create(records, go)
    assert not isinstance(answers, Weather), answers.reason
    assert [(one.verdict, one.reason) for one in answers.values()] == [(Verdict.WRITTEN, "")] * len(records)


def row_of(sink: TwentySink, object: str, remote_id: str) -> Mapping[str, Any]:
    """The row as the destination holds it."""
    found = sink.read(object, [remote_id])
    assert not isinstance(found, Weather)
    return found[remote_id].row


def test_options_come_after_those_of_the_workspace_and_no_row_moves(
    sink: TwentySink, server: twenty_kit.TwentySandbox
) -> None:
    """S0-24, twenty.md 0.7: existing options keep id, value, label, colour and place; every row keeps its stage."""
    before = options_of(server, "opportunity", "stage")
    old = {one["value"]: str(uuid.uuid4()) for one in before}
    write(sink, *(Outgoing(object="opportunity", remote_id=i, fields={"stage": value}) for value, i in old.items()))

    assert sink.provision([STAGE]) == [STAGE]
    assert sink.provision([STAGE]) == []

    after = options_of(server, "opportunity", "stage")
    assert after[: len(before)] == before
    assert [(one["value"], one["label"], one["position"]) for one in after[len(before) :]] == [
        ("PROPOSAL_SENT", "Proposal Sent", len(before)),
        ("WON", "Won", len(before) + 1),
    ]
    assert {value: row_of(sink, "opportunity", i)["stage"] for value, i in old.items()} == {v: v for v in old}
    assert sink.catalog()["opportunity"].fields["stage"].options == tuple(one["value"] for one in after)
    write(sink, Outgoing(object="opportunity", remote_id=str(uuid.uuid4()), fields={"stage": "WON"}))


def test_a_select_of_ours_is_made_whole_and_later_gets_only_what_it_lacks(
    sink: TwentySink, server: twenty_kit.TwentySandbox
) -> None:
    """A new revision may bring a further option; what was added is told, what was there keeps its id."""
    first = replace(KIND, options=STAGES[:1])
    assert sink.provision([first]) == [first]
    before = options_of(server, "task", "kindOption")
    assert sink.provision([KIND, KIND]) == [replace(KIND, options=STAGES[1:])]
    after = options_of(server, "task", "kindOption")
    assert (after[:1], [one["value"] for one in after]) == (before, ["PROPOSAL_SENT", "WON"])
    assert sink.provision([first, KIND]) == []


def test_an_answer_lost_after_options_were_added_is_settled_by_the_read_back(
    sink: TwentySink, server: twenty_kit.TwentySandbox
) -> None:
    """They are there, though nobody knows whose they are; a second run makes nothing."""
    server.order("/faults", {"kind": "drop_after_commit", "method": "PATCH"})
    assert sink.provision([STAGE]) == []
    assert {"PROPOSAL_SENT", "WON"} < set(sink.catalog()["opportunity"].fields["stage"].options)
    assert sink.provision([STAGE]) == []


def test_a_field_of_twentys_own_is_never_made(sink: TwentySink) -> None:
    """LG-0403: an old version without it is not mended by a namesake."""
    with pytest.raises(LockgateError) as raised:
        sink.provision([replace(STAGE, name="phase")])
    assert (raised.value.code, raised.value.details) == ("LG-0403", ("opportunity.phase",))
    assert "phase" not in sink.catalog()["opportunity"].fields


def packaged(owner: str) -> Plan:
    """The packaged plan of Atomic CRM as it stands at head, with one owner."""
    tables = {
        name: Table(name=name, key=("id",), columns={c: Column(name=c, type=kind) for c, kind in columns.items()})
        for name, columns in COLUMNS.items()
    }
    return Plan(
        source="atomic_crm",
        destination="twenty",
        id_namespace=str(uuid.uuid4()),
        objects=mapping_files.load("atomic_crm", "twenty", tables=tables, converters=converters.names()),
        columns=COLUMNS,
        owners={"jane@acme.example": owner},
        policies={},
    )


def golden(plan: ObjectPlan) -> list[tuple[dict[str, Any], dict[Any, Any]]]:
    """The golden rows of an object that are of a usual size, each with the rows it reads."""
    lines = [json.loads(line) for line in (GOLDEN / f"{plan.object}.jsonl").read_text().splitlines()]
    jane = {"id": 3, "first_name": "Jane", "last_name": "Doe", "email": "Jane@Acme.example", "disabled": False}
    found = []
    for place, line in enumerate(one for one in lines if "repeat" not in one):
        row = {**lines[0]["row"], **line.get("set", {}), "id": 1000 + place}
        related = {**lines[0].get("related", {}), **line.get("related", {}), "sale/3": jane}
        by_key = {tuple(name.split("/")): value for name, value in related.items()}
        found.append((column_types.decode_row(row, COLUMNS[plan.table]), by_key))
    return found


def outgoing(plan: Plan, object_plan: ObjectPlan, there: Mapping[str, Object]) -> Iterator[list[Outgoing]]:
    """Each golden row as the parts that leave for Twenty; parents are the one record of their kind."""
    for row, related in golden(object_plan):
        made = projection.project(plan, object_plan, str(row["id"]), row, related, frozenset())
        if isinstance(made, projection.Projected):
            yield [
                Outgoing(
                    object=part.object,
                    remote_id=remote_id(plan, part.id_path),
                    fields=desired.resolve(without_unique(part, there), lookup(plan, object_plan)),
                )
                for part in made.parts
            ]


def without_unique(part: desired.Part, there: Mapping[str, Object]) -> dict[str, Any]:
    """Golden rows share e-mails and domains: the unique value is made the row's own."""
    fields = dict(part.fields)
    for name, inner in (("emails", "primaryEmail"), ("domainName", "primaryLinkUrl")):
        if name in fields and there[part.object].fields[name].unique and (fields[name] or {}).get(inner):
            own = part.id_path.replace("/", "-")
            value = f"{own}@x.example" if inner == "primaryEmail" else f"https://{own}.example"
            fields[name] = {**fields[name], inner: value}
    return fields


def remote_id(plan: Plan, path: str) -> str:
    """An id of ours."""
    return str(uuid.uuid5(uuid.UUID(plan.id_namespace), path))


def lookup(plan: Plan, object_plan: ObjectPlan) -> Callable[[str, str], str]:
    """A part's link to its own record, or to the one parent of its kind, which is there."""
    return lambda kind, key: remote_id(plan, f"{kind}/{key if kind == object_plan.object else 'parent'}")


def test_what_the_packaged_plan_writes_is_what_twenty_holds(sink: TwentySink, server: twenty_kit.TwentySandbox) -> None:
    """S0-18, S0-23 … S0-32: provisioned whole; every golden row written with its parts, read back, and rewritten to the
    next one: nothing differs right after, whatever the field's type."""
    owner = str(server.order("/members", {"userEmail": "jane@acme.example"})["id"])
    plan = packaged(owner)
    assert {"opportunity.furtherContacts", "task.taskTypeOption", "opportunity.stage option PROPOSAL_SENT"} < set(
        provision.missing(plan, sink.catalog())
    )
    assert list(sink.provision(provision.wanted(plan))) != []
    assert provision.missing(plan, sink.catalog()) == []
    assert list(sink.provision(provision.wanted(plan))) == []
    there = sink.catalog()
    for kind, object in (("company", "company"), ("contact", "person"), ("deal", "opportunity")):
        write(sink, Outgoing(object=object, remote_id=remote_id(plan, f"{kind}/parent"), fields={}))

    written: set[tuple[str, str]] = set()
    for object_plan in (one for one in plan.objects if one.destination is not None):
        rows = list(outgoing(plan, object_plan, there))
        assert len(rows) > 8
        for parts in rows:
            for one in parts:
                write(sink, one)
                assert sink.same(one.object, one.fields, row_of(sink, one.object, one.remote_id)) == [], one
                written |= {(one.object, name) for name in one.fields}
        for (first, *_), (second, *_) in itertools.pairwise(rows):
            again = replace(second, remote_id=first.remote_id)
            mine = {name: first.fields[name] for name in ("emails", "domainName") if name in first.fields}
            again = replace(again, fields={**again.fields, **mine})
            answers = sink.update([again], go)
            assert not isinstance(answers, Weather)
            assert [one.verdict for one in answers.values()] == [Verdict.WRITTEN]
            assert sink.same(again.object, again.fields, row_of(sink, again.object, again.remote_id)) == [], again
    expected = {(o.destination, rule.to) for o in plan.objects if o.destination for rule in o.fields}
    expected |= {(part.destination, rule.to) for o in plan.objects for part in o.parts for rule in part.fields}
    assert written >= expected
