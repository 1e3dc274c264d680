"""What `start` looks at before it writes anything: read-only, one error with its code, list and remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors import debezium
from connectors.atomic_crm import capture, catalog
from connectors.atomic_crm import settings as source_settings
from control import approve, propose, provision
from control.context import Context
from infra import kafka
from infra.kafka import Topic
from ledger import offsets
from ledger.connection import Connection
from ledger.plans import Approval
from schemas.catalog import Table
from schemas.errors import LockgateError
from schemas.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the checks found out on their way."""

    approval: Approval
    tables: tuple[Table, ...]  #: captured tables, parents first
    held: tuple[propose.Unmatched, ...]  #: owners without a member, let through by `hold`
    edited: bool  #: the files differ from the approved revision, which is obeyed


def before_start(context: Context) -> Checked:
    """Everything that must hold. Raises LG-01xx … LG-05xx; writes nothing."""
    _engines(context)
    there = context.sink.catalog()
    approval = approve.approved(context)
    proposal = propose.build(context)
    lacking = provision.missing(approval.plan, there)
    if lacking:
        raise LockgateError("LG-0403", f"{len(lacking)} of them.", details=lacking)
    held = _owners(approval.plan, proposal)
    _workflows(context, approval.plan)
    return Checked(
        approval=approval,
        tables=_source(context, approval.plan),
        held=held,
        edited=proposal.revision != approval.revision,
    )


def _engines(context: Context) -> None:
    """Kafka and Connect answer. Raises LG-0204, LG-0206, LG-0207."""
    if not kafka.reachable(context.kafka, seconds=5.0):
        raise LockgateError("LG-0206", f"No broker at {context.kafka}.")
    debezium.status(context.connect, context.connector)


def _owners(plan: Plan, proposal: propose.Proposal) -> tuple[propose.Unmatched, ...]:
    """Owners without a member, or with another one than the approved plan knows (S0-33)."""
    now = proposal.plan.owners
    wrong = [o for o in proposal.owning if o.email not in now or now[o.email] != plan.owners.get(o.email)]
    if wrong and plan.policies["owner_unmatched"] == "block":
        raise LockgateError("LG-0404", f"{len(wrong)} of them.", details=[_owner_line(o, now) for o in wrong])
    return tuple(o for o in wrong if o.email not in now)


def _owner_line(one: propose.Unmatched, now: Mapping[str, str]) -> str:
    owns = ", ".join(f"{count} {object_}" for object_, count in sorted(one.records.items()))
    since = ": a member now, not in the approved plan; propose and approve again" if one.email in now else ""
    return f"sale {one.key} <{one.email}>: {owns}{since}"


def _workflows(context: Context, plan: Plan) -> None:
    """Active automations that would react to our writes (`twenty.md` 0.6) and that nobody accepted by name."""
    written = [(o.destination, *(p.destination for p in o.parts)) for o in plan.objects if o.destination]
    objects = list(dict.fromkeys(str(name) for names in written for name in names))
    accepted = set(plan.policies["accept_workflows"])
    found = [r for r in context.sink.reactors(objects) if r.name not in accepted]
    if found:
        raise LockgateError("LG-0405", f"{len(found)} of them.", details=[f"{r.name!r} on {r.event}" for r in found])


def _source(context: Context, plan: Plan) -> tuple[Table, ...]:
    wanted = [o.table for o in plan.objects]
    with source_settings.connect(context.source, purpose="check") as conn:
        found = catalog.read(context.source, conn)
        capture.require(capture.preflight(conn, context.file.migration, wanted, tuple(found.values())))
    return tuple(found[name] for name in wanted)


def topics(conn: Connection, there: Mapping[str, Topic], ends: Mapping[tuple[str, int], int]) -> None:
    """Law 1: each known topic is still the one we know and has not lost its tail. Raises LG-0701."""
    wrong = []
    known = offsets.known(conn)
    for name, topic in known.items():
        now = there.get(name)
        if now is None:
            wrong.append(f"{name} is gone")
        elif (now.id, now.partitions) != (topic.topic_id, topic.partitions):
            wrong.append(
                f"{name} is another topic: {now.id}/{now.partitions}, known {topic.topic_id}/{topic.partitions}"
            )
    for (name, part), offset in offsets.read(conn).items():
        if name in known and ends.get((name, part), offset.next_offset) < offset.next_offset:
            wrong.append(f"{name}/{part} ends at {ends[name, part]}, taken up to {offset.next_offset}")
    if wrong:
        raise LockgateError("LG-0701", f"{len(wrong)} of them.", details=wrong)


def row_topics(context: Context, tables: Sequence[Table]) -> tuple[str, ...]:
    """cdc topics of the captured tables."""
    return debezium.row_topics(context.file.migration, tables)
