"""Eras: one mapping file serves every version of the source; here it meets the tables that are there.

The newest name is tried first, then the older ones the file lists. What comes out names real tables and columns only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from schemas.catalog import Table
from schemas.plan import Eras, FieldRule, ObjectPlan, PartRule, Shape

_WORD = re.compile(r"[^A-Za-z0-9]+")


def table_of(plan: ObjectPlan, tables: Mapping[str, Table]) -> Table | None:
    """The object's table under its newest name or an older one."""
    return next((tables[name] for name in (plan.table, *plan.eras.tables) if name in tables), None)


def column_of(plan: ObjectPlan, column: str, there: Collection[str]) -> str | None:
    """The name that `column` has among the columns that are there."""
    return next((name for name in (column, *plan.eras.columns.get(column, ())) if name in there), None)


def chosen(plan: ObjectPlan, rule: FieldRule, there: Collection[str]) -> FieldRule | None:
    """The rule by real column names: its own, else its first older form whose columns are all there. None when neither
    is: a fault, unless the rule is `optional`."""
    if (own := _columns(plan, rule.from_, there)) is not None:
        return rule.model_copy(update={"from_": own, "older": ()})
    for older in rule.older:
        found = _columns(plan, older.from_, there)
        if found is not None:
            settings = rule.with_ if older.with_ is None else older.with_
            convert = older.convert or rule.convert
            return rule.model_copy(update={"from_": found, "convert": convert, "with_": settings, "older": ()})
    return None


def _columns(plan: ObjectPlan, wanted: Sequence[str], there: Collection[str]) -> tuple[str, ...] | None:
    found = [column_of(plan, column, there) for column in wanted]
    return None if None in found else tuple(str(name) for name in found)


def resolve(plans: Sequence[ObjectPlan], tables: Mapping[str, Table]) -> list[ObjectPlan]:
    """Every plan by the names that are there. An `optional` object without a table is dropped, and with it what others
    read of it: their converters then take their defaults."""
    present = {plan.object: table for plan in plans if (table := table_of(plan, tables)) is not None}
    by_name = {plan.object: plan for plan in plans}
    return [_resolved(plan, present, by_name) for plan in plans if plan.object in present]


def _resolved(plan: ObjectPlan, present: Mapping[str, Table], by_name: Mapping[str, ObjectPlan]) -> ObjectPlan:
    table = present[plan.object]

    def settled(rules: Sequence[FieldRule]) -> tuple[FieldRule, ...]:
        found = (chosen(plan, rule, table.columns) for rule in rules)
        return tuple(_pointing(rule, present, by_name) for rule in found if rule is not None)

    def real(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(str(column_of(plan, name, table.columns)) for name in names)

    parts = tuple(PartRule(destination=p.destination, link=p.link, fields=settled(p.fields)) for p in plan.parts)
    fields = settled(plan.fields)
    extra = tuple(_carried(plan, table)) if plan.carry and plan.destination is not None else ()
    written = _written(fields)
    dropped = _written(plan.fields) - written
    shapes = tuple(shape for shape in plan.shapes if shape.name not in dropped)
    return plan.model_copy(
        update={
            "table": table.name,
            "key": real(plan.key),
            "fields": (*fields, *(rule for rule, _ in extra)),
            "parts": parts,
            "reads": real(plan.reads),
            "not_moved": dict(zip(real(tuple(plan.not_moved)), plan.not_moved.values(), strict=True)),
            "shapes": (*shapes, *(shape for _, shape in extra)),
            "carry": False,
            "eras": Eras(),
        }
    )


def _written(rules: Sequence[FieldRule]) -> set[str]:
    return {name for rule in rules for name in (rule.to, rule.keep_both, rule.leftover) if name}


def _pointing(rule: FieldRule, present: Mapping[str, Table], by_name: Mapping[str, ObjectPlan]) -> FieldRule:
    """The settings of a rule that points: columns read by their real names; nothing where the object is not there."""
    if rule.target is None:
        return rule
    settings: dict[str, Any] = dict(rule.with_)
    if rule.target not in present:
        for name in ("object", "key", "reads", "older_reads"):
            settings.pop(name, None)
    elif rule.reads is not None:
        there = present[rule.target].columns
        names = (*rule.reads, *settings.pop("older_reads", ()))
        found = (column_of(by_name[rule.target], name, there) for name in names)
        settings["reads"] = list(dict.fromkeys(name for name in found if name is not None))
    return rule.model_copy(update={"with_": settings})


def named(plan: ObjectPlan, there: Collection[str]) -> set[str]:
    """Columns of the table that the plan accounts for."""
    rules = (chosen(plan, rule, there) for rule in plan.rules)
    found = {column for rule in rules if rule is not None for column in rule.from_}
    listed = (column_of(plan, name, there) for name in (*plan.reads, *plan.key, *plan.not_moved))
    return found | {name for name in listed if name is not None}


def _carried(plan: ObjectPlan, table: Table) -> Iterator[tuple[FieldRule, Shape]]:
    """A text field for each column of a fork that the file does not know (S0-17, `atomic_crm.md` 1.7)."""
    known = named(plan, table.columns)
    taken = _written(plan.fields) | {shape.name for shape in plan.shapes}
    for column in table.columns.values():
        if column.name in known or column.generated:
            continue
        words = [word for word in _WORD.split(column.name) if word]
        stem = "custom" + "".join(word[0].upper() + word[1:] for word in words)[:50]
        field = next(name for n in range(1, 1000) if (name := stem if n == 1 else f"{stem}{n}") not in taken)
        taken.add(field)
        rule = FieldRule.model_validate({"to": field, "from": column.name, "convert": "text"})
        yield rule, Shape(name=field, type="TEXT", label=column.name)
