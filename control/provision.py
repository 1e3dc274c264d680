"""`lockgate provision`: the fields the approved plan needs; no other verb changes the destination's shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from control import approve
from control.context import Context
from ledger import journal
from schemas.catalog import Object, WantedField
from schemas.errors import LockgateError
from schemas.plan import Plan


def provision(context: Context) -> Sequence[WantedField]:
    """Makes what is missing, reading first and reading back; returns those made. Raises LG-0401, LG-0406, LG-0504."""
    plan = approve.approved(context).plan
    made = context.sink.provision(wanted(plan))
    with context.ledger("provision") as conn:
        for field in made:
            journal.note(conn, "provision", "field made", object_=field.object, key=field.name)
    return made


def wanted(plan: Plan) -> list[WantedField]:
    """Fields of our own that the plan writes."""
    return [
        WantedField(object=str(o.destination), name=shape.name, type=shape.type, label=shape.label)
        for o in plan.objects
        if o.destination
        for shape in o.shapes
    ]


def missing(plan: Plan, there: Mapping[str, Object]) -> list[str]:
    """`object.field` of everything the plan writes and the destination lacks. Raises LG-0406 for another type."""
    wrong = [
        f"{w.object}.{w.name} is {there[w.object].fields[w.name].type}, the plan writes {w.type}"
        for w in wanted(plan)
        if w.object in there and w.name in there[w.object].fields and there[w.object].fields[w.name].type != w.type
    ]
    if wrong:
        raise LockgateError("LG-0406", f"{len(wrong)} of them.", details=wrong)
    return [
        f"{o.destination}.{name}"
        for o in plan.objects
        if o.destination
        for name in _written(o.destination, plan)
        if o.destination not in there or name not in there[o.destination].fields
    ]


def _written(destination: str, plan: Plan) -> list[str]:
    """Field names as the catalog has them: a link is written to `companyId`, the field is `company`."""
    names: list[str] = []
    for o in plan.objects:
        if o.destination == destination:
            links = {rule.to for rule in o.references() if rule.to.endswith("Id")}
            names += [rule.to.removesuffix("Id") if rule.to in links else rule.to for rule in o.fields]
            names += [shape.name for shape in o.shapes]
    return list(dict.fromkeys(names))
