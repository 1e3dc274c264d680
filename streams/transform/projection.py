"""A source row, by the approved plan, to what should be in the destination. Pure: same input, same output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas import ids
from schemas.change_event import is_unavailable
from schemas.desired import Claim, Part, Ref
from schemas.plan import FieldRule, ObjectPlan, Plan
from streams.transform.converted import OMIT, Converted, Given, Related
from streams.transform.converters import CONVERTERS, FLAGS
from streams.transform.owners import key_of

DUPLICATE = "duplicate"
NOT_KEPT = "not_kept"


@dataclass(frozen=True, kw_only=True)
class Projected:
    """What should be there."""

    parts: tuple[Part, ...]
    refs: tuple[Ref, ...] = ()  #: records the parts point to
    claims: tuple[Claim, ...] = ()  #: unique values this record would carry, whoever wins them
    flags: tuple[str, ...] = ()  #: `<destination field>:<code>`, as written into the flags field


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A row that can never be projected as it is."""

    code: str  #: of schemas.errors, e.g. `LG-0603`
    reason: str  #: for people; names columns, never values


def references(plan: ObjectPlan, image: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(object, key) of every row this row's projection points to or reads, from the raw Debezium image:
    `company_id: 17` → `("company", "17")`, `sales_id: 3` → `("sale", "3")`."""
    found: dict[tuple[str, str], None] = {}
    for rule in plan.references():
        key = key_of(image.get(rule.from_[0]))
        if key is not None:
            found[(str(rule.with_["object"]), key)] = None
    return tuple(found)


def project(
    plan: Plan,
    object_plan: ObjectPlan,
    key: str,
    row: Mapping[str, Any],
    related: Related,
    losing: frozenset[Claim],
) -> Projected | Refused:
    """The desired payload of one record.

    `row` and `related` are typed (schemas.column_types); `losing` holds the claims that another record has won: their
    value leaves the unique subfield and is carried in the rule's `keep_both` field, flagged.
    """
    if object_plan.destination is None:
        return Refused(code="LG-0609", reason=f"{object_plan.object} rows only feed other records")
    unseen = sorted(column for column in object_plan.read_columns() if is_unavailable(row.get(column)))
    if unseen:
        return Refused(code="LG-0603", reason=f"never captured: {', '.join(unseen)}")
    draft = _Draft(object_plan)
    for rule in object_plan.fields:
        values = tuple(row.get(column) for column in rule.from_)
        given = Given(values=values, settings=rule.with_, to=rule.to, related=related, owners=plan.owners)
        draft.add(rule, CONVERTERS[rule.convert](given), losing)
    part = Part(
        object=object_plan.destination, id_path=ids.record_path(object_plan.object, key), fields=draft.finished()
    )
    return Projected(parts=(part,), refs=tuple(draft.refs), claims=tuple(draft.claims), flags=tuple(draft.flags))


class _Draft:
    """One record in the making."""

    def __init__(self, plan: ObjectPlan) -> None:
        uses = Counter(name for rule in plan.fields for name in {rule.keep_both, rule.leftover} if name)
        self._shared = {name for name, count in uses.items() if count > 1}
        self._fields: dict[str, Any] = {}
        self._kept: dict[str, list[str]] = {name: [] for name in uses}
        self._flag_field: str | None = None
        self.refs: list[Ref] = []
        self.claims: list[Claim] = []
        self.flags: dict[str, None] = {}

    def add(self, rule: FieldRule, converted: Converted, losing: frozenset[Claim]) -> None:
        """Takes one rule's result."""
        if rule.convert == FLAGS:
            self._flag_field = rule.to
        value = self._settle(rule, converted, losing)
        if value is not OMIT:
            self._fields[rule.to] = value
        if converted.ref is not None:
            self.refs.append(converted.ref)
        for flag in converted.flags:
            self._flag(rule, flag)
        if converted.leftover:
            self._keep(rule, rule.leftover, converted.leftover)

    def _settle(self, rule: FieldRule, converted: Converted, losing: frozenset[Claim]) -> Any:
        """The value, without its unique part when another record holds that."""
        if rule.unique is None or not converted.claim:
            return converted.value
        claim = Claim(field=f"{rule.to}.{rule.unique}", value=converted.claim)
        self.claims.append(claim)
        if claim not in losing:
            return converted.value
        self._flag(rule, DUPLICATE)
        self._keep(rule, rule.keep_both, (converted.claim,))
        return converted.unclaimed

    def _flag(self, rule: FieldRule, code: str) -> None:
        self.flags[f"{rule.to}:{code}"] = None

    def _keep(self, rule: FieldRule, field: str | None, lines: tuple[str, ...]) -> None:
        """Lines into a text field; where several rules share it, each line says its column."""
        if field is None:
            self._flag(rule, NOT_KEPT)
            return
        prefix = f"{rule.from_[0]}: " if field in self._shared else ""
        self._kept[field] += [prefix + line for line in lines if prefix + line not in self._kept[field]]

    def finished(self) -> dict[str, Any]:
        """All fields; the text fields that hold nothing are written as "", so that an old content goes."""
        kept = {name: "\n".join(lines) for name, lines in self._kept.items()}
        flags = {} if self._flag_field is None else {self._flag_field: ", ".join(self.flags)}
        return {**self._fields, **kept, **flags}
