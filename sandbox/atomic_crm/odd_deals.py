"""What is odd about deals (`atomic_crm.md` 3.5, 4.5, 6.2)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sandbox.atomic_crm import people, words
from sandbox.atomic_crm.eras import Row
from sandbox.atomic_crm.oddities import Around, Oddity, copied, edit, keep, pick, put

GONE = 900_000_000  #: no contact and no sale has an id from here on
HUGE = (9_007_199_254_740_993, 2**63 - 1, 12_000_000_000)


def _append(*odd: int | None) -> Any:
    def change(row: Row, _around: Around) -> None:
        row["contact_ids"] = [*odd[:1], *row["contact_ids"], *odd[1:]]

    return change


def _foreign(row: Row, around: Around) -> None:
    """A contact of another company, in front."""
    for _ in range(50):
        other = around.rng.choice(around.contacts)
        if other["company_id"] not in (None, row["company_id"]):
            break
    row["contact_ids"] = [other["id"], *row["contact_ids"]]


def _twice(row: Row, around: Around) -> None:
    ids = row["contact_ids"] or [around.rng.choice(around.contacts)["id"]]
    row["contact_ids"] = [*ids, ids[0], ids[0]]


def _many(row: Row, around: Around) -> None:
    row["contact_ids"] = [around.rng.choice(around.contacts)["id"] for _ in range(12)]


def _archived(row: Row, around: Around) -> None:
    row["archived_at"] = people.moment(around.rng, row["created_at"])


def _before(row: Row, _around: Around) -> None:
    row["updated_at"] = row["created_at"] - timedelta(days=3)


def _overdue(row: Row, _around: Around) -> None:
    row["expected_closing_date"] = row["created_at"].date() - timedelta(days=30)


def _disabled(row: Row, around: Around) -> None:
    row["sales_id"] = around.rng.choice(around.disabled)


def _long(row: Row, around: Around) -> None:
    row["description"] = words.paragraph(around.rng, 400)


def _deal(id_: str, place: str, where: str, change: Any, *, share: float = 0.01) -> Oddity:
    return Oddity(id=f"deal.{id_}", table="deals", place=place, where=where, change=change, share=share)


_OTHER = "exists (select from deals o where o.id <> t.id and {})"
_STRANGER = (
    "t.company_id is not null and exists (select from contacts c"
    " where c.id = any (t.contact_ids) and c.company_id <> t.company_id)"
)
_TWICE = (
    "(select count(*) > count(distinct c) from unnest(t.contact_ids) c where c is not null)"
    " and cardinality(t.contact_ids) > 1"
)

DEALS = (
    _deal("company.null", "company", "t.company_id is null", put(company_id=None), share=0.03),
    _deal("contacts.null", "contacts", "t.contact_ids is null", put(contact_ids=None), share=0.02),
    _deal("contacts.none", "contacts", "t.contact_ids = '{}'", put(contact_ids=[]), share=0.02),
    _deal("contacts.dangling_first", "contacts", f"t.contact_ids[1] = {GONE}", _append(GONE)),
    _deal(
        "contacts.dangling_only",
        "contacts",
        f"t.contact_ids = array[{GONE + 1}]::bigint[]",
        put(contact_ids=[GONE + 1]),
    ),
    _deal("contacts.foreign", "contacts", _STRANGER, _foreign, share=0.02),
    _deal("contacts.twice", "contacts", _TWICE, _twice),
    _deal("contacts.null_inside", "contacts", "array_position(t.contact_ids, null) is not null", _append(None)),
    _deal("contacts.many", "contacts", "cardinality(t.contact_ids) > 10", _many),
    _deal(
        "stage.unknown",
        "stage",
        "t.stage in ('closed-won', 'perdu', 'Звонок')",
        pick("stage", "closed-won", "perdu", "Звонок"),
    ),
    _deal("stage.label", "stage", "t.stage in ('Proposal Sent', 'Won')", pick("stage", "Proposal Sent", "Won")),
    # The form writes it even where the configuration has no such stage.
    _deal("stage.opportunity", "stage", "t.stage = 'opportunity'", put(stage="opportunity"), share=0.04),
    _deal("stage.empty", "stage", "t.stage = ''", put(stage=""), share=0.004),
    _deal("category.null", "category", "t.category is null", put(category=None), share=0.1),
    _deal("category.unknown", "category", "t.category = 'r-seaux'", put(category="r-seaux")),
    _deal("category.label", "category", "t.category = 'UI Design'", put(category="UI Design")),
    _deal("category.empty", "category", "t.category = ''", put(category="")),
    _deal("amount.null", "amount", "t.amount is null", put(amount=None), share=0.03),
    _deal("amount.zero", "amount", "t.amount = 0", put(amount=0), share=0.03),
    _deal("amount.negative", "amount", "t.amount < 0", pick("amount", -1, -25_000)),
    _deal("amount.huge", "amount", f"t.amount >= {min(HUGE)}", pick("amount", *HUGE)),
    _deal("closing.null", "closing", "t.expected_closing_date is null", put(expected_closing_date=None), share=0.03),
    _deal(
        "closing.year_9999",
        "closing",
        "extract(year from t.expected_closing_date) = 9999",
        put(expected_closing_date=date(9999, 12, 31)),
        share=0.002,
    ),
    _deal(
        "closing.year_1",
        "closing",
        "extract(year from t.expected_closing_date) = 1",
        put(expected_closing_date=date(1, 1, 1)),
        share=0.002,
    ),
    _deal("closing.before_created", "closing", "t.expected_closing_date < t.created_at::date", _overdue),
    _deal(
        "index.twice", "index", _OTHER.format('o.stage = t.stage and o."index" = t."index"'), put(index=0), share=0.06
    ),
    _deal("index.null", "index", 't."index" is null', put(index=None)),
    _deal("index.gap", "index", 't."index" >= 30000', pick("index", 30_000, 32_767)),
    _deal("index.negative", "index", 't."index" < 0', put(index=-1), share=0.004),
    _deal("archived", "archived", "t.archived_at is not null", _archived, share=0.06),
    _deal("updated.before_created", "updated", "t.updated_at < t.created_at", _before, share=0.004),
    _deal("name.empty", "name", "t.name = ''", put(name=""), share=0.004),
    _deal("name.padded", "name", "t.name <> btrim(t.name)", edit("name", lambda n: f"  {n} ")),
    _deal("name.emoji", "name", "t.name ~ '🎂'", edit("name", lambda n: f"🎂 {n}")),
    _deal("name.rtl", "name", "t.name ~ 'صفقة'", edit("name", lambda n: f"صفقة {n}")),
    _deal("name.lines", "name", r"t.name ~ '\n'", edit("name", lambda n: f"{n}\nsecond line"), share=0.004),
    _deal("name.long", "name", "length(t.name) > 300", edit("name", lambda n: n + " and more" * 40), share=0.002),
    _deal("name.twin", "name", _OTHER.format("o.name = t.name"), copied("name", str)),
    _deal("description.null", "description", "t.description is null", put(description=None), share=0.2),
    _deal("description.empty", "description", "t.description = ''", put(description="")),
    _deal(
        "description.markdown",
        "description",
        "t.description ~ '^# '",
        put(description="# not a heading\n- *nor* a_b_c"),
    ),
    _deal("description.long", "description", "length(t.description) > 10000", _long, share=0.003),
    _deal("owner.null", "owner", "t.sales_id is null", put(sales_id=None), share=0.05),
    _deal("owner.disabled", "owner", "t.sales_id in (select id from sales where disabled)", _disabled),
    _deal(
        "id.collides",
        "id",
        "t.id in (select id from companies) and t.id in (select id from contacts) and t.id in (select id from tasks)",
        keep,
        share=0.0,
    ),
)
