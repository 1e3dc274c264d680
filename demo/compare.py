"""The comparison: every field of every record, from the source's rows to what the destination answers when read back.

It shares the transform with the line (golden records watch that) and nothing else: rows come typed from PostgreSQL, not
from Kafka; winners of unique values and ids are worked out here, not read from the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from connectors.atomic_crm import catalog, read
from control.context import Context
from infra.clock import Deadline
from schemas import desired, ids, naming
from schemas.answers import Found, Weather
from schemas.desired import Claim
from schemas.errors import LockgateError
from schemas.plan import ObjectPlan, Plan
from sinks.base import Sink
from streams.transform import projection
from streams.transform.projection import Projected

Row = Mapping[str, Any]
#: The field in which the default plans write what they could not take as it was.
FLAGS = "migrationFlags"
LONGEST_WAIT_S = 120.0
READ_AT_MOST_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One field that is not as it should be; `*` is the record as a whole."""

    object: str
    key: str
    field: str
    expected: Any
    found: Any


@dataclass(kw_only=True)
class Comparison:
    """What was compared and what differs."""

    records: dict[str, int] = field(default_factory=dict)
    fields: int = 0
    differences: list[Difference] = field(default_factory=list)
    flags: dict[tuple[str, str], set[str]] = field(default_factory=dict)  #: (object, flag) → source keys that carry it


def compare(context: Context, plan: Plan, ended: Iterable[tuple[str, str]]) -> Comparison:
    """Both ways: missing, different, extra. `ended` = (kind, key) that are meant to be missing, and nothing else."""
    rows = source_rows(context, plan)
    wanted = [one for o in plan.objects if o.destination for one in expected(plan, o, rows)]
    result, left = Comparison(), set(ended)
    for one in wanted:
        result.records[one.kind] = result.records.get(one.kind, 0) + (1 if one.main else 0)
    for object_ in dict.fromkeys(one.object for one in wanted):
        there = destination_rows(context.sink, object_)
        _one_object(result, context.sink, [one for one in wanted if one.object == object_], there, left)
    return result


def source_rows(context: Context, plan: Plan) -> dict[str, dict[str, Row]]:
    """object → key → typed row, all from one moment of the source."""
    with read.snapshot(context.source) as conn:
        found = catalog.tables(conn, context.file.source.schema_name)
        return {
            o.object: {read.key_of(found[o.table], row): row for row in read.rows(conn, found[o.table])}
            for o in plan.objects
        }


@dataclass(frozen=True, kw_only=True)
class Expected:
    """One row as it should stand in the destination."""

    kind: str
    key: str
    main: bool  #: the record's own row, not a further part
    object: str  #: destination object
    remote_id: str
    fields: Mapping[str, Any]


def expected(plan: Plan, object_plan: ObjectPlan, rows: Mapping[str, Mapping[str, Row]]) -> Iterator[Expected]:
    """Every row that this object's records should have, parts included."""
    own = rows[object_plan.object]
    first = {key: _project(plan, object_plan, key, rows, frozenset()) for key in own}
    winners: dict[Claim, str] = {}
    for key in sorted(own, key=naming.key_order):
        for claim in _claims(first[key]):
            winners.setdefault(claim, key)
    for key in own:
        losing = frozenset(claim for claim in _claims(first[key]) if winners[claim] != key)
        projected = _project(plan, object_plan, key, rows, losing) if losing else first[key]
        if isinstance(projected, Projected):
            yield from _rows(plan, object_plan.object, key, projected, rows)


def _rows(
    plan: Plan, kind: str, key: str, projected: Projected, rows: Mapping[str, Mapping[str, Row]]
) -> Iterator[Expected]:
    """A link to a row that is not in the source is left out, and with it a part that exists for that link."""
    namespace = UUID(plan.id_namespace)

    def lookup(ref_kind: str, ref: str) -> str | None:
        there = ref in rows.get(ref_kind, {})
        return ids.remote_id(namespace, plan.source, ids.record_path(ref_kind, ref)) if there else None

    for place, part in enumerate(projected.parts):
        if place and any(lookup(*ref) is None for ref in desired.refs_in(part.fields)):
            continue
        yield Expected(
            kind=kind,
            key=key,
            main=not place,
            object=part.object,
            remote_id=ids.remote_id(namespace, plan.source, part.id_path),
            fields=desired.resolve(part.fields, lookup),
        )


def destination_rows(sink: Sink, object_: str) -> dict[str, Found]:
    """Every live row of an object by id; a rate limit is waited out. Raises LG-0501 after an hour of weather."""
    found: dict[str, Found] = {}
    after: str | None = None
    deadline = Deadline(READ_AT_MOST_S)
    while True:
        page = sink.page(object_, after)
        if isinstance(page, Weather):
            if deadline.passed():
                raise LockgateError("LG-0501", page.reason)
            time.sleep(min(page.wait_s, LONGEST_WAIT_S))
            continue
        found |= page.rows
        if page.after is None:
            return found
        after = page.after


def _one_object(
    result: Comparison,
    sink: Sink,
    wanted: Sequence[Expected],
    there: Mapping[str, Found],
    ended: set[tuple[str, str]],
) -> None:
    ours = {one.remote_id: one for one in wanted}
    for remote_id, one in ours.items():
        row = there.get(remote_id)
        if row is not None:
            result.fields += len(one.fields)
            result.differences += _fields(sink, one, row)
            for flag in str(row.row.get(FLAGS) or "").split(", ") if one.main else ():
                result.flags.setdefault((one.kind, flag), set()).add(one.key)
        elif (one.kind, one.key) not in ended:
            result.differences.append(_whole(one.kind, one.key, f"{one.object} there", None))
    for remote_id, row in there.items():
        if remote_id not in ours and _made_by_us(row, wanted):
            result.differences.append(_whole(wanted[0].object, remote_id, None, "there"))


def _made_by_us(row: Found, wanted: Sequence[Expected]) -> bool:
    """Records carry IMPORT; the rows of their parts were made by the API key alone."""
    main = any(one.main for one in wanted)
    return bool((row.row.get("createdBy") or {}).get("source") == ("IMPORT" if main else "API"))


def _fields(sink: Sink, one: Expected, row: Found) -> list[Difference]:
    return [
        Difference(object=one.kind, key=one.key, field=name, expected=one.fields[name], found=row.row.get(name))
        for name in sink.same(one.object, one.fields, row.row)
    ]


def _whole(name: str, key: str, expected_: str | None, found: str | None) -> Difference:
    return Difference(object=name, key=key, field="*", expected=expected_, found=found)


def _claims(projected: projection.Projected | projection.Refused) -> tuple[Claim, ...]:
    return projected.claims if isinstance(projected, Projected) else ()


def _project(
    plan: Plan,
    object_plan: ObjectPlan,
    key: str,
    rows: Mapping[str, Mapping[str, Row]],
    losing: frozenset[Claim],
) -> projection.Projected | projection.Refused:
    row = rows[object_plan.object][key]
    related = {(o, k): rows[o].get(k) for o, k in projection.reads(object_plan, row)}
    return projection.project(plan, object_plan, key, row, related, losing)
