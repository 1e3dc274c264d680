"""The comparison: every field of every record, from the source's rows to what the destination answers when read back.

It shares the transform with the line (golden records watch that) and nothing else: rows come typed from PostgreSQL, not
from Kafka; winners of unique values and ids are worked out here, not read from the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
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


def compare(context: Context, plan: Plan, ended: Iterable[tuple[str, str]]) -> Comparison:
    """Both ways: missing, different, extra. `ended` = (kind, key) that are meant to be missing, and nothing else."""
    rows = source_rows(context, plan)
    result, left = Comparison(), set(ended)
    for object_plan in plan.objects:
        if object_plan.destination is not None:
            wanted = expected(plan, object_plan, rows)
            there = destination_rows(context.sink, object_plan.destination)
            _one_object(result, context.sink, plan, object_plan, wanted, there, left)
    return result


def source_rows(context: Context, plan: Plan) -> dict[str, dict[str, Row]]:
    """object → key → typed row, all from one moment of the source."""
    with read.snapshot(context.source) as conn:
        found = catalog.tables(conn, context.file.source.schema_name)
        return {
            o.object: {read.key_of(found[o.table], row): row for row in read.rows(conn, found[o.table])}
            for o in plan.objects
        }


def expected(
    plan: Plan, object_plan: ObjectPlan, rows: Mapping[str, Mapping[str, Row]]
) -> dict[str, Mapping[str, Any]]:
    """Source key → fields as they should stand in the destination."""
    own = rows[object_plan.object]
    first = {key: _project(plan, object_plan, key, rows, frozenset()) for key in own}
    winners: dict[Claim, str] = {}
    for key in sorted(own, key=naming.key_order):
        for claim in _claims(first[key]):
            winners.setdefault(claim, key)
    namespace = UUID(plan.id_namespace)
    wanted = {}
    for key in own:
        losing = frozenset(claim for claim in _claims(first[key]) if winners[claim] != key)
        projected = _project(plan, object_plan, key, rows, losing) if losing else first[key]
        if isinstance(projected, Projected):
            wanted[key] = desired.resolve(
                projected.parts[0].fields,
                lambda kind, ref: ids.remote_id(namespace, plan.source, ids.record_path(kind, ref)),
            )
    return wanted


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
    plan: Plan,
    object_plan: ObjectPlan,
    wanted: Mapping[str, Mapping[str, Any]],
    there: Mapping[str, Found],
    ended: set[tuple[str, str]],
) -> None:
    name = object_plan.object
    namespace = UUID(plan.id_namespace)
    ours = {ids.remote_id(namespace, plan.source, ids.record_path(name, key)): key for key in wanted}
    result.records[name] = len(wanted)
    for remote_id, key in ours.items():
        row = there.get(remote_id)
        if row is not None:
            result.fields += len(wanted[key])
            result.differences += _fields(sink, object_plan, key, wanted[key], row)
        elif (name, key) not in ended:
            result.differences.append(_whole(name, key, "there", None))
    for remote_id, row in there.items():
        if remote_id not in ours and (row.row.get("createdBy") or {}).get("source") == "IMPORT":
            result.differences.append(_whole(name, remote_id, None, "there"))


def _fields(sink: Sink, object_plan: ObjectPlan, key: str, wanted: Mapping[str, Any], row: Found) -> list[Difference]:
    return [
        Difference(object=object_plan.object, key=key, field=name, expected=wanted[name], found=row.row.get(name))
        for name in sink.same(str(object_plan.destination), wanted, row.row)
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
    related = {(o, k): rows[o].get(k) for o, k in projection.references(object_plan, row)}
    return projection.project(plan, object_plan, key, row, related, losing)
