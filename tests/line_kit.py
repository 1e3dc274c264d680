"""A small plan and the change events of a small source, for tests that run the real take, project and sinks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from ledger_kit import Ledger

from ledger import plans
from schemas import ids, naming
from schemas.plan import FieldRule, ObjectPlan, Plan
from streams.batches import Batch, Event

NAMESPACE = UUID("6f2b1c0e-6c1c-4f7e-9a44-2f1f3c1d9a10")
TABLES = {"sale": "public.sales", "company": "public.companies", "contact": "public.contacts"}
DESTINATIONS = {"company": "company", "contact": "person"}


def _rule(to: str, source: str, convert: str, **more: Any) -> FieldRule:
    return FieldRule.model_validate({"to": to, "from": source, "convert": convert, **more})


def plan(link: str = "optional") -> Plan:
    """Companies and contacts with what may go wrong: unique values, a link, a feeder; nothing else."""
    company = ObjectPlan(
        object="company",
        table=TABLES["company"],
        key=("id",),
        destination="company",
        fields=(
            _rule("name", "name", "text"),
            _rule("domainName", "website", "link", unique="primaryLinkUrl", keep_both="keptValues"),
            _rule("ownerEmail", "sales_id", "owner_email", **{"with": {"object": "sale", "reads": ["email"]}}),
        ),
    )
    contact = ObjectPlan(
        object="contact",
        table=TABLES["contact"],
        key=("id",),
        destination="person",
        fields=(
            _rule("name", "last_name", "text"),
            _rule("background", "background", "text"),
            _rule("emails", "email_jsonb", "emails", unique="primaryEmail", keep_both="keptValues"),
            _rule("companyId", "company_id", "reference", **{"with": {"object": "company", "link": link}}),
            _rule("ownerEmail", "sales_id", "owner_email", **{"with": {"object": "sale", "reads": ["email"]}}),
        ),
    )
    sale = ObjectPlan(object="sale", table=TABLES["sale"], key=("id",), destination=None, reads=("email",))
    return Plan(
        source="atomic_crm",
        destination="twenty",
        id_namespace=str(NAMESPACE),
        objects=(sale, company, contact),
        columns={
            "sale": {"id": "bigint", "email": "text"},
            "company": {"id": "bigint", "name": "text", "website": "text", "sales_id": "bigint"},
            "contact": {
                "id": "bigint",
                "last_name": "text",
                "background": "text",
                "email_jsonb": "jsonb",
                "company_id": "bigint",
                "sales_id": "bigint",
                "avatar": "text",
            },
        },
        owners={},
        policies={},
    )


def remote_id(kind: str, key: str | int) -> str:
    """The id a record has in the destination."""
    return ids.remote_id(NAMESPACE, "atomic_crm", ids.record_path(kind, str(key)))


def begin(ledger: Ledger, the_plan: Plan | None = None) -> Plan:
    """Approves a plan and opens generation 1 under it."""
    made = the_plan or plan()
    revision = plans.propose(ledger.conn, made)
    plans.approve(ledger.conn, revision, "test")
    plans.open_generation(ledger.conn, 1, revision)
    return made


def contact(key: int, **columns: Any) -> dict[str, Any]:
    """A contact's row; `email="x"` is its only address."""
    row = {"id": key, "last_name": f"Contact {key}", "background": "", "company_id": None, "sales_id": None}
    email = columns.pop("email", "")
    row["email_jsonb"] = json.dumps([{"email": email, "type": "Work"}] if email else [])
    return {**row, **columns}


def company(key: int, **columns: Any) -> dict[str, Any]:
    """A company's row."""
    return {"id": key, "name": f"Company {key}", "website": "", "sales_id": None, **columns}


def sale(key: int, **columns: Any) -> dict[str, Any]:
    """A sale's row."""
    return {"id": key, "email": f"sale{key}@example.com", **columns}


@dataclass(kw_only=True)
class Capture:
    """The cdc topics of a source: one partition each, as Debezium writes them."""

    migration: str
    logs: dict[str, list[Event]] = field(default_factory=lambda: {object_: [] for object_ in TABLES})

    def write(self, object_: str, op: str, key: int, row: Mapping[str, Any] | None, *, snapshot: bool = False) -> None:
        """Appends an event; a delete is followed by its tombstone."""
        table = TABLES[object_].split(".")[1]
        source = {"schema": "public", "table": table, "ts_ms": 1_700_000_000_000, "snapshot": str(snapshot).lower()}
        value = {"op": op, "before": None, "after": row, "source": source}
        self._append(object_, orjson.dumps({"id": key}), orjson.dumps(value))
        if op == "d":
            self._append(object_, orjson.dumps({"id": key}), None)

    def batch(self, object_: str, start: int = 0, end: int | None = None) -> Batch:
        """A part of a topic."""
        return Batch(topic=self._topic(object_), events=tuple(self.logs[object_][start:end]))

    def _append(self, object_: str, key: bytes, value: bytes | None) -> None:
        log = self.logs[object_]
        log.append(Event(topic=self._topic(object_), partition=0, offset=len(log), key=key, value=value, timestamp=0.0))

    def _topic(self, object_: str) -> str:
        return naming.cdc_topic(self.migration, TABLES[object_])


def shards() -> Sequence[int]:
    """All of them."""
    return range(naming.PARTITIONS)
