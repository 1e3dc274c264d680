"""`lockgate provision`: fields and options the approved plan needs; no other verb changes the destination's shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from control import approve
from control.context import Context
from ledger import journal
from schemas.catalog import Object, WantedField
from schemas.errors import LockgateError
from schemas.plan import FieldRule, Plan


def provision(context: Context) -> Sequence[WantedField]:
    """Makes what is missing, reading first and reading back; returns what it made: a field of its own whole, one that
    was there with the options it got. Raises LG-0401, LG-0403, LG-0406, LG-0504."""
    plan = approve.approved(context).plan
    there = context.sink.catalog()
    made = context.sink.provision(wanted(plan))
    with context.ledger("provision") as conn:
        for field in made:
            for action, key in _notes(field, there):
                journal.note(conn, "provision", action, object_=field.object, key=key)
    return made


def _notes(field: WantedField, before: Mapping[str, Object]) -> Iterator[tuple[str, str]]:
    """One line a field that was not there before, one an option of a field that was."""
    if field.object in before and field.name in before[field.object].fields:
        for option in field.options:
            yield "option made", f"{field.name} option {option.name}"
    else:
        yield "field made", field.name


def wanted(plan: Plan) -> list[WantedField]:
    """Fields that the plan brings along, SELECTs with the options it writes, each once."""
    return [
        WantedField(
            object=destination,
            name=shape.name,
            type=shape.type,
            label=shape.label,
            options=plan.options.get(shape.enum, ()) if shape.enum is not None else (),
            standard=shape.standard,
        )
        for destination, shape in plan.shapes()
    ]


def missing(plan: Plan, there: Mapping[str, Object]) -> list[str]:
    """`object.field` and `object.field option NAME` of everything the plan writes and the destination lacks.

    Raises LG-0406 for another type."""
    needed = wanted(plan)
    wrong = [
        f"{w.object}.{w.name} is {there[w.object].fields[w.name].type}, the plan writes {w.type}"
        for w in needed
        if w.object in there and w.name in there[w.object].fields and there[w.object].fields[w.name].type != w.type
    ]
    if wrong:
        raise LockgateError("LG-0406", f"{len(wrong)} of them.", details=wrong)
    fields = [
        f"{destination}.{name}"
        for destination, name in _written(plan)
        if destination not in there or name not in there[destination].fields
    ]
    return fields + [
        f"{w.object}.{w.name} option {option.name}"
        for w in needed
        if w.object in there and w.name in there[w.object].fields
        for option in w.options
        if option.name not in there[w.object].fields[w.name].options
    ]


def _written(plan: Plan) -> list[tuple[str, str]]:
    """(destination object, field) of all that the plan writes, parts included. A link is written to its id field; the
    catalog has that beside the relation, `companyId` and `company`."""
    found: list[tuple[str, str]] = []
    for o in plan.objects:
        if o.destination is not None:
            found += [(o.destination, name) for rule in o.fields for name in _names(rule)]
            found += [(part.destination, name) for part in o.parts for rule in part.fields for name in _names(rule)]
            found += [(o.destination, shape.name) for shape in o.shapes]
    return list(dict.fromkeys(found))


def _names(rule: FieldRule) -> list[str]:
    return [name for name in (rule.to, rule.keep_both, rule.leftover) if name is not None]
