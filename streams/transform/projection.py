"""A source row, by the approved plan, to what should be in the destination. Pure: same input, same output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from schemas import ids
from schemas.change_event import is_unavailable
from schemas.desired import Claim, Part, Ref
from schemas.plan import FieldRule, ObjectPlan, PartRule, Plan
from streams.transform.converted import OMIT, Converted, Given, Related
from streams.transform.converters import CONVERTERS, FLAGS
from streams.transform.references import pointed

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
    `company_id: 17` → `("company", "17")`, `tags: [1, 4]` → `("tag", "1"), ("tag", "4")`, a fixed row → its key."""
    return _named(plan.references(), image)


def reads(plan: ObjectPlan, image: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Those of `references` whose columns the projection reads: `project` wants each in `related`, None = not there."""
    return _named(plan.reading(), image)


def _named(rules: Iterable[FieldRule], image: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys((str(rule.target), key) for rule in rules for key in pointed(rule, image)))


def project(
    plan: Plan,
    object_plan: ObjectPlan,
    key: str,
    row: Mapping[str, Any],
    related: Related,
    losing: frozenset[Claim],
) -> Projected | Refused:
    """The desired payload of one record: its main part, then those further parts whose link is there.

    `row` and `related` are typed (schemas.column_types); `losing` holds the claims that another record has won: their
    value leaves the unique subfield and is carried in the rule's `keep_both` field, flagged.
    """
    if object_plan.destination is None:
        return Refused(code="LG-0609", reason=f"{object_plan.object} rows only feed other records")
    unseen = sorted(column for column in object_plan.read_columns() if is_unavailable(row.get(column)))
    if unseen:
        return Refused(code="LG-0603", reason=f"never captured: {', '.join(unseen)}")

    def converted(rule: FieldRule) -> Converted:
        given = Given(
            values=tuple(row.get(column) for column in rule.from_),
            settings=rule.with_,
            to=rule.to,
            related=related,
            owners=plan.owners,
            enums=plan.options,
            own=(object_plan.object, key),
        )
        return CONVERTERS[rule.convert](given)

    draft = _Draft(object_plan)
    for rule in object_plan.fields:
        draft.add(rule, converted(rule), losing)
    further = []
    for part in object_plan.parts:
        found = {rule.to: converted(rule) for rule in part.fields}
        if (link := found[part.link].ref) is not None:
            draft.begin_part(found)
            further.append(_part(object_plan.object, key, part, found, link))
    main = Part(
        object=object_plan.destination, id_path=ids.record_path(object_plan.object, key), fields=draft.finished()
    )
    return Projected(
        parts=(main, *further), refs=tuple(draft.refs), claims=tuple(draft.claims), flags=tuple(draft.flags)
    )


def _part(kind: str, key: str, rule: PartRule, found: Mapping[str, Converted], link: Ref) -> Part:
    """A further part: its id is made of the record's and of what it links to."""
    return Part(
        object=rule.destination,
        id_path=ids.join_path(kind, key, link.kind, link.key),
        fields={field: one.value for field, one in found.items() if one.value is not OMIT},
    )


class _Draft:
    """One record in the making."""

    def __init__(self, plan: ObjectPlan) -> None:
        uses = Counter(name for rule in plan.fields for name in {rule.keep_both, rule.leftover} if name)
        self._shared = {name for name, count in uses.items() if count > 1}
        self._fields: dict[str, Any] = {}
        self._kept: dict[str, list[str]] = {name: [] for name in uses}
        self._flag_field: str | None = None
        self._part = 0
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
        self._note(rule.to, converted)
        if converted.leftover:
            self._keep(rule, rule.leftover, converted.leftover)

    def begin_part(self, found: Mapping[str, Converted]) -> None:
        """References and flags of a further part join those of the record."""
        self._part += 1
        for field, converted in found.items():
            self._note(field, converted)

    def _note(self, field: str, converted: Converted) -> None:
        if converted.ref is not None:
            self.refs.append(replace(converted.ref, part=self._part))
        for flag in converted.flags:
            self._flag(field, flag)

    def _settle(self, rule: FieldRule, converted: Converted, losing: frozenset[Claim]) -> Any:
        """The value, without its unique part when another record holds that."""
        if rule.unique is None or not converted.claim:
            return converted.value
        claim = Claim(field=f"{rule.to}.{rule.unique}", value=converted.claim)
        self.claims.append(claim)
        if claim not in losing:
            return converted.value
        self._flag(rule.to, DUPLICATE)
        self._keep(rule, rule.keep_both, (converted.claim,))
        return converted.unclaimed

    def _flag(self, field: str, code: str) -> None:
        self.flags[f"{field}:{code}"] = None

    def _keep(self, rule: FieldRule, field: str | None, lines: tuple[str, ...]) -> None:
        """Lines into a text field; where several rules share it, each line says its column."""
        if field is None:
            self._flag(rule.to, NOT_KEPT)
            return
        prefix = f"{rule.from_[0]}: " if field in self._shared else ""
        self._kept[field] += [prefix + line for line in lines if prefix + line not in self._kept[field]]

    def finished(self) -> dict[str, Any]:
        """All fields; the text fields that hold nothing are written as "", so that an old content goes."""
        kept = {name: "\n".join(lines) for name, lines in self._kept.items()}
        flags = {} if self._flag_field is None else {self._flag_field: ", ".join(self.flags)}
        return {**self._fields, **kept, **flags}
