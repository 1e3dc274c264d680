"""Mapping files: `schemas/mappings/<source>--<destination>/<object>.yaml`, and a folder of the user's on top.

A file in the user's folder replaces the packaged object of that name as a whole. Everything wrong in all files is
reported at once, each with `file:line`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from schemas import eras, yaml_lines
from schemas.catalog import Table
from schemas.errors import LockgateError
from schemas.plan import FieldRule, ObjectPlan, Shape, in_dependency_order

Place = tuple[str | int, ...]  # where something stands in a file: `("fields", 3, "convert")`


@dataclass(frozen=True, kw_only=True)
class _File:
    """One mapping file as read."""

    name: str  #: as shown in errors
    document: yaml_lines.Document

    def fault(self, what: str, *path: str | int) -> str:
        return f"{self.name}:{self.document.line(*path)}: {what}"

    def line_of(self, fault: str) -> int:
        return int(fault.removeprefix(f"{self.name}:").partition(":")[0])


def load(
    source: str,
    destination: str,
    *,
    folder: Path | None = None,
    tables: Mapping[str, Table] | None = None,
    converters: Collection[str] | None = None,
) -> tuple[ObjectPlan, ...]:
    """The mappings of a pair, parents first.

    `tables` (by `schema.table`) is the source's catalog: each column must be mapped, read, part of the key, or listed
    under `not_moved`, and the plans come back by the names of its era (schemas.eras), without objects that older eras
    lack. Without it the plans keep the newest names beside the older ones. `converters` are the names `convert` may use
    (streams.transform.converters `names()`). Raises LG-0104 with one detail `file:line: what` for each fault of each
    file.
    """
    faults = [*_folder_faults(folder)]
    found: list[tuple[_File, ObjectPlan]] = []
    files = _files(source, destination, folder)
    for file in files:
        wrong = [*_text_faults(file)] or [*_shape_faults(file)]
        if not wrong:
            plan = ObjectPlan.model_validate(file.document.data)
            wrong = [*_plan_faults(file, plan, tables, converters)]
            found.append((file, plan))
        faults += sorted(wrong, key=file.line_of)
    if len(found) == len(files):
        faults += _object_faults(found)
    if not found and not faults:
        faults.append(f"{source}--{destination}:1: there is no mapping for this pair")
    if faults:
        raise LockgateError("LG-0104", f"{len(faults)} fault(s); the first: {faults[0]}", details=faults)
    plans = [plan for _, plan in found]
    return in_dependency_order(plans if tables is None else eras.resolve(plans, tables))


def json_schema() -> Mapping[str, Any]:
    """The JSON Schema of a mapping file, as shipped."""
    return _schema()


@lru_cache(maxsize=1)
def _schema() -> Mapping[str, Any]:
    raw = (resources.files("schemas") / "json" / "mapping.schema.json").read_text(encoding="utf-8")
    schema: Mapping[str, Any] = json.loads(raw)
    return schema


def _files(source: str, destination: str, folder: Path | None) -> list[_File]:
    """The packaged files, each replaced by the user's of the same name; the user's may add objects."""
    packaged = resources.files("schemas") / "mappings" / f"{source}--{destination}"
    chosen: dict[str, tuple[str, Traversable]] = {}
    if packaged.is_dir():
        for item in packaged.iterdir():
            chosen[item.name] = (f"{packaged.name}/{item.name}", item)
    if folder is not None:
        for path in folder.iterdir() if folder.is_dir() else ():
            chosen[path.name] = (str(path), path)
    return [
        _File(name=shown, document=yaml_lines.parse(item.read_bytes()))
        for name, (shown, item) in sorted(chosen.items())
        if name.endswith(".yaml")
    ]


def _folder_faults(folder: Path | None) -> Iterator[str]:
    """An edited file that nobody would read is a fault too."""
    if folder is None:
        return
    if not folder.is_dir():
        yield f"{folder}:1: is not a folder"
        return
    for path in sorted(folder.glob("*.yml")):
        yield f"{path}:1: mapping files end in .yaml"


def _text_faults(file: _File) -> Iterator[str]:
    for line, what in file.document.faults:
        yield f"{file.name}:{line}: {what}"


def _shape_faults(file: _File) -> Iterator[str]:
    """Against the JSON Schema; an unknown key is named at its own line."""
    errors = Draft202012Validator(_schema()).iter_errors(file.document.data)
    for error in sorted(errors, key=lambda e: [str(step) for step in e.absolute_path]):
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            for key in _unknown_keys(error):
                yield file.fault(f"unknown key {key!r}", *path, key)
        elif error.validator == "required":
            yield file.fault(error.message.replace(" is a required property", " is missing"), *path)
        else:
            where = ".".join(str(step) for step in path) or "the file"
            yield file.fault(f"{where}: {error.message}", *path)


def _unknown_keys(error: ValidationError) -> list[str]:
    known = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
    keys = error.instance if isinstance(error.instance, Mapping) else {}
    return [str(key) for key in keys if key not in known]


def _rules(plan: ObjectPlan) -> Iterator[tuple[Place, FieldRule]]:
    """Every rule with its place in the file."""
    yield from ((("fields", index), rule) for index, rule in enumerate(plan.fields))
    for number, part in enumerate(plan.parts):
        yield from ((("parts", number, "fields", index), rule) for index, rule in enumerate(part.fields))


def _plan_faults(
    file: _File, plan: ObjectPlan, tables: Mapping[str, Table] | None, converters: Collection[str] | None
) -> Iterator[str]:
    targets: dict[Place, Place] = {}
    for path, rule in _rules(plan):
        for place, name in _converters(path, rule):
            if converters is not None and name not in converters:
                yield file.fault(f"unknown converter {name!r}", *place)
        where = (*path[:-1], rule.to)
        if where in targets:
            first = file.document.line(*targets[where], "to")
            yield file.fault(f"two rules write {rule.to!r}; the other stands at line {first}", *path, "to")
        targets.setdefault(where, path)
        yield from _rule_faults(file, plan, path, rule)
    for path, rule in _rules(plan):
        for role in ("keep_both", "leftover"):
            field = getattr(rule, role)
            if ("fields", field) in targets:
                yield file.fault(f"{role} names {field!r}, which a rule writes", *path, role)
    yield from _part_faults(file, plan)
    if tables is not None:
        yield from _column_faults(file, plan, tables)


def _converters(path: Place, rule: FieldRule) -> Iterator[tuple[Place, str]]:
    yield (*path, "convert"), rule.convert
    for index, older in enumerate(rule.older):
        if older.convert is not None:
            yield (*path, "older", index, "convert"), older.convert


def _rule_faults(file: _File, plan: ObjectPlan, path: Place, rule: FieldRule) -> Iterator[str]:
    shapes = {shape.name for shape in plan.shapes}
    if rule.unique is not None and rule.keep_both is None:
        yield file.fault("unique needs keep_both: where the value goes when another holds it", *path)
    for role in ("keep_both", "leftover"):
        field = getattr(rule, role)
        if field is not None and field not in shapes:
            yield file.fault(f"{role} names {field!r}, which is not among the shapes", *path, role)
    parts = rule.with_.get("parts")
    if isinstance(parts, list) and len(parts) != len(rule.from_):
        yield file.fault(f"{len(rule.from_)} column(s) for {len(parts)} part(s)", *path, "with")
    if rule.target is not None and "key" not in rule.with_ and len(rule.from_) != 1:
        yield file.fault("a rule that points to another object reads one column", *path, "from")


def _part_faults(file: _File, plan: ObjectPlan) -> Iterator[str]:
    """A part's link must be one of its fields, and point to a row by a column of this one."""
    for number, part in enumerate(plan.parts):
        if not any(r.to == part.link and r.target is not None and "key" not in r.with_ for r in part.fields):
            yield file.fault(f"link names {part.link!r}, which no field with an object writes", "parts", number, "link")


def _column_faults(file: _File, plan: ObjectPlan, tables: Mapping[str, Table]) -> Iterator[str]:
    table = eras.table_of(plan, tables)
    if table is None:
        if not plan.eras.optional:
            yield file.fault(f"the source has no table {plan.table!r}", "table")
        return
    for column, path in _named_columns(plan, table):
        actual = eras.column_of(plan, column, table.columns)
        if actual is None:
            yield file.fault(f"{table.name} has no column {column!r}", *path)
        elif table.columns[actual].generated and path[0] != "not_moved":
            yield file.fault(f"column {actual!r} is generated: change events do not carry it", *path)
    named = eras.named(plan, table.columns)
    carried = plan.carry and plan.destination is not None
    for name, described in () if carried else table.columns.items():
        if name not in named and not described.generated:
            yield file.fault(f"column {name!r} of {table.name} is neither mapped nor listed under not_moved", "fields")


def _named_columns(plan: ObjectPlan, table: Table) -> Iterator[tuple[str, Place]]:
    """Every column the file names for a table of this era, with its place."""
    for path, rule in _rules(plan):
        fitting = eras.chosen(plan, rule, table.columns)
        if fitting is not None or not rule.optional:
            columns = fitting.from_ if fitting is not None else rule.from_
            yield from ((column, (*path, "from")) for column in columns)
    yield from ((column, ("reads", index)) for index, column in enumerate(plan.reads))
    yield from ((column, ("key", index)) for index, column in enumerate(plan.key))
    yield from ((column, ("not_moved", column)) for column in plan.not_moved)


def _object_faults(found: list[tuple[_File, ObjectPlan]]) -> Iterator[str]:
    """Between the files: one object in two of them, a rule that points to an object without a mapping, or reads a
    column of it that its file does not name, a SELECT without options, one field of two shapes."""
    names: dict[str, str] = {}
    for file, plan in found:
        if plan.object in names:
            yield file.fault(f"object {plan.object!r} is mapped in {names[plan.object]} too", "object")
        names.setdefault(plan.object, file.name)
    known: dict[str, set[str]] = {}
    for _, plan in found:
        known.setdefault(plan.object, set()).update(_known_columns(plan))
    for file, plan in found:
        for path, rule in _rules(plan):
            if rule.target is None:
                continue
            if rule.target not in names:
                yield file.fault(f"object {rule.target!r} has no mapping", *path, "with", "object")
            for column in rule.reads or ():
                if column not in known.get(rule.target, {column}):
                    yield file.fault(f"{rule.target} has no column {column!r} to read", *path, "with", "reads")
    yield from _enum_faults(found)


def _known_columns(plan: ObjectPlan) -> set[str]:
    """Columns that the object's file names, also those that stay behind themselves."""
    return {*plan.read_columns(), *plan.key, *plan.not_moved}


def _enum_faults(found: list[tuple[_File, ObjectPlan]]) -> Iterator[str]:
    known = {name for _, plan in found for name in plan.enums}
    shapes: dict[tuple[str | None, str], Shape] = {}
    for file, plan in found:
        for index, shape in enumerate(plan.shapes):
            if (shape.type == "SELECT") != (shape.enum is not None):
                yield file.fault("a SELECT, and nothing else, needs an enum", "shapes", index)
            elif shape.enum is not None and shape.enum not in known:
                yield file.fault(f"there is no enum {shape.enum!r}", "shapes", index, "enum")
            if shapes.setdefault((plan.destination, shape.name), shape) != shape:
                yield file.fault(f"{plan.destination}.{shape.name} has another shape elsewhere", "shapes", index)
        for path, rule in _rules(plan):
            enum = rule.with_.get("enum")
            if enum is not None and enum not in known:
                yield file.fault(f"there is no enum {enum!r}", *path, "with", "enum")
