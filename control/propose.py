"""`lockgate propose`: the plan as the mapping files, the source's catalog and the owners make it now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.atomic_crm import catalog, read
from connectors.atomic_crm import settings as source_settings
from control.context import Context
from infra.postgres import Connection
from ledger import plans
from schemas import enums, mapping_files
from schemas.catalog import Member, Table
from schemas.enums import Option
from schemas.plan import ObjectPlan, Plan
from streams.transform import converters

#: Our enum → its key in `configuration.config`.
ENUM_KEYS = {"deal_stage": "dealStages", "deal_category": "dealCategories", "task_type": "taskTypes"}


@dataclass(frozen=True, kw_only=True)
class Unmatched:
    """An owner of the source without a member of that e-mail in the destination."""

    key: str  #: sales.id
    email: str
    records: Mapping[str, int]  #: object → rows it owns


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A plan and what stands beside it."""

    plan: Plan
    revision: str
    unmatched: tuple[Unmatched, ...]
    owning: tuple[Unmatched, ...]  #: everybody who owns records, with a member or without


def build(context: Context) -> Proposal:
    """Reads source and destination, writes nothing. Raises LG-0103, LG-0104, LG-0301, LG-0302, LG-05xx."""
    members = context.sink.members()
    with source_settings.connect(context.source, purpose="propose") as conn:
        found = catalog.read(context.source, conn)
        mappings = _mappings(context, found)
        sales = read.read_sales(conn, context.file.source.schema_name)
        owned = _owned(conn, mappings)
        saved = read.configuration(conn, context.file.source.schema_name)
    matched, unmatched = match(sales, members, owned)
    plan = Plan(
        source=context.file.source.kind,
        destination=context.file.destination.kind,
        id_namespace=str(context.file.id_namespace),
        objects=mappings,
        columns={m.object: {c.name: c.type for c in found[m.table].columns.values()} for m in mappings},
        owners=matched,
        policies=context.file.policies.model_dump(mode="json"),
        enums=found_enums(saved, {name for mapping in mappings for name in mapping.enums}),
    )
    owning = tuple(Unmatched(key=s.key, email=_email(s), records=owned[s.key]) for s in sales if s.key in owned)
    return Proposal(plan=plan, revision=plan.revision(), unmatched=unmatched, owning=owning)


def propose(context: Context) -> Proposal:
    """Builds the plan and stores its content in the ledger under its revision."""
    proposal = build(context)
    with context.ledger("propose", create=True) as conn:
        plans.propose(conn, proposal.plan)
    return proposal


def found_enums(saved: Mapping[str, Any], wanted: Collection[str]) -> dict[str, tuple[Option, ...]]:
    """Lists that somebody saved in the source's settings; the others keep the mapping's defaults (`atomic_crm.md` 3.2).

    A list holds `{value, label}`, or plain strings in settings saved before February 2026."""
    found = {}
    for enum, key in ENUM_KEYS.items():
        items = saved.get(key)
        if enum in wanted and isinstance(items, list) and items:
            named = [item if isinstance(item, dict) else {"value": item, "label": item} for item in items]
            found[enum] = enums.options([item for item in named if item.get("value") not in (None, "")])
    return {name: options for name, options in found.items() if options}


def match(
    sales: Sequence[read.Sale], members: Sequence[Member], owned: Mapping[str, Mapping[str, int]]
) -> tuple[dict[str, str], tuple[Unmatched, ...]]:
    """Owners by e-mail, trimmed and in lower case; absent or ambiguous is never a guess (S0-33)."""
    by_email: dict[str, set[str]] = {}
    for member in members:
        by_email.setdefault(member.email.strip().lower(), set()).add(member.id)
    matched: dict[str, str] = {}
    unmatched = []
    for sale in sales:
        email = _email(sale)
        ids = by_email.get(email, set())
        if len(ids) == 1:
            matched[email] = next(iter(ids))
        elif sale.key in owned:
            unmatched.append(Unmatched(key=sale.key, email=email, records=owned[sale.key]))
    return matched, tuple(unmatched)


def _email(sale: read.Sale) -> str:
    return sale.email.strip().lower()


def _mappings(context: Context, found: Mapping[str, Table]) -> tuple[ObjectPlan, ...]:
    folder = context.root / Path(context.file.mappings) if context.file.mappings else None
    return mapping_files.load(
        context.file.source.kind,
        context.file.destination.kind,
        folder=folder,
        tables=found,
        converters=converters.names(),
    )


def _owned(conn: Connection, mappings: Sequence[ObjectPlan]) -> dict[str, dict[str, int]]:
    """How many rows each owner has, per object that sets an owner in the destination."""
    owned: dict[str, dict[str, int]] = {}
    for mapping in mappings:
        for rule in mapping.references():
            if rule.convert == "owner":
                for key, count in read.count_by(conn, mapping.table, rule.from_[0]).items():
                    owned.setdefault(key, {})[mapping.object] = count
    return owned
