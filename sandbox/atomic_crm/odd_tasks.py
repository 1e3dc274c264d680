"""What is odd about tasks (`atomic_crm.md` 4.6) and tags (6.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.atomic_crm import activity, eras, odd_texts, people
from sandbox.atomic_crm.eras import Row
from sandbox.atomic_crm.odd_deals import GONE
from sandbox.atomic_crm.oddities import Around, Oddity, copied, pick, put


def _midnight(row: Row, around: Around) -> None:
    row["due_date"] = activity.midnight(people.NOW.date() + timedelta(days=around.rng.randrange(90)))


def _done_before(row: Row, _around: Around) -> None:
    row["due_date"] = people.NOW
    row["done_date"] = people.NOW - timedelta(days=40)


def _disabled(row: Row, around: Around) -> None:
    row["sales_id"] = around.rng.choice(around.disabled)


def _task(id_: str, place: str, where: str, change: Any, *, share: float = 0.01, **more: Any) -> Oddity:
    return Oddity(id=f"task.{id_}", table="tasks", place=place, where=where, change=change, share=share, **more)


def _tag(id_: str, place: str, where: str, change: Any) -> Oddity:
    return Oddity(id=f"tag.{id_}", table="tags", place=place, where=where, change=change, share=0.0)


TASKS = (
    *odd_texts.of("task", "tasks"),
    _task("text.null", "text", "t.text is null", put(text=None)),
    _task("text.empty", "text", "t.text = ''", put(text="")),
    _task("text.long", "text", "length(t.text) > 1000", put(text="Prepare the fair " * 80), share=0.004),
    _task("type.null", "type", "t.type is null", put(type=None), share=0.05),
    _task("type.empty", "type", "t.type = ''", put(type="")),
    _task("type.unknown", "type", "t.type = 'site-visit'", put(type="site-visit")),
    _task("type.label", "type", "t.type in ('Follow-up', 'Thank you')", pick("type", "Follow-up", "Thank you")),
    _task("due.null", "due", "t.due_date is null", put(due_date=None), share=0.02, eras=eras.ALL - eras.OLD),
    _task("due.midnight", "due", "t.due_date = date_trunc('day', t.due_date, 'UTC')", _midnight, share=0.05),
    _task(
        "due.year_9999",
        "due",
        "extract(year from t.due_date) = 9999",
        put(due_date=datetime(9999, 12, 31, tzinfo=UTC)),
        share=0.003,
    ),
    _task("due.done_before", "due", "t.done_date < t.due_date - interval '30 days'", _done_before),
    _task("done", "done", "t.done_date is not null", put(done_date=people.NOW), share=0.1),
    _task("open", "done", "t.done_date is null", put(done_date=None), share=0.1),
    _task("owner.null", "owner", "t.sales_id is null", put(sales_id=None), share=0.05),
    _task("owner.dangling", "owner", f"t.sales_id >= {GONE}", pick("sales_id", GONE, GONE + 7), share=0.03),
    _task("owner.disabled", "owner", "t.sales_id in (select id from sales where disabled)", _disabled),
)
TAGS = (
    _tag(
        "name.twin", "name", "exists (select from tags o where o.id <> t.id and o.name = t.name)", copied("name", str)
    ),
    _tag(
        "name.twin_case",
        "name",
        "exists (select from tags o where o.id <> t.id and lower(o.name) = lower(t.name) and o.name <> t.name)",
        copied("name", str.upper),
    ),
    _tag("name.odd", "name", "t.name ~ '[,|🏷]'", pick("name", "a, b", "x | y", "🏷 vip", 'so "called"🏷')),
    _tag("name.empty", "name", "btrim(t.name) = ''", pick("name", "", "  ")),
    _tag("name.padded", "name", "t.name ~ '^ .* $' and btrim(t.name) <> ''", put(name=" vip ")),
    _tag("color.odd", "color", "t.color !~ '^#[0-9a-f]{6}$'", pick("color", "", "red", "#7dd8e8ff")),
    _tag(
        "unused",
        "none",
        "not exists (select from contacts c where t.id = any (c.tags))",
        lambda _row, _around: None,
    ),
)
