"""What is odd about notes on contacts and on deals: text, date, author, status and files (`atomic_crm.md` 4.1)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sandbox.atomic_crm import activity, odd_texts, people, words
from sandbox.atomic_crm.eras import Row
from sandbox.atomic_crm.oddities import Around, Oddity, pick, put

FOREIGN = {"src": "https://old-crm.example/files/17?sig=abc", "title": "scan.pdf"}
_FAR = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_FUTURE = people.NOW + timedelta(days=400)
_MEGABYTE = 1_000_000


def _megabyte(row: Row, around: Around) -> None:
    paragraph = words.noise(around.rng, 10_000) + "\n\n"
    row["text"] = f"All mails until today\n\n{paragraph * (_MEGABYTE // len(paragraph) + 1)}"


def _only_file(row: Row, around: Around) -> None:
    row["text"], row["attachments"] = "", [activity.attachment(around.rng)]


def _file(row: Row, around: Around, **changes: Any) -> None:
    """The note's one file, with keys changed, or taken away by None."""
    file = activity.attachment(around.rng) | changes
    row["attachments"] = [{name: value for name, value in file.items() if value is not None}]


def _many(row: Row, around: Around) -> None:
    row["attachments"] = [activity.attachment(around.rng, f"page {i}.png", "image/png") for i in range(7)]


def _element(row: Row, around: Around, *, odd: Any) -> None:
    row["attachments"] = [odd, activity.attachment(around.rng)]


def _disabled(row: Row, around: Around) -> None:
    row["sales_id"] = around.rng.choice(around.disabled)


def _any_file(condition: str) -> str:
    return f"exists (select from unnest(t.attachments) a where {condition})"


_KONG = "http://kong:8000/storage/v1/object/public/attachments/0.1.pdf"
_LOCAL = "http://127.0.0.1:54321/storage/v1/object/public/attachments/0.2%20b.pdf"
#: name → (SQL condition, change)
_FILES: dict[str, tuple[str, Callable[[Row, Around], None]]] = {
    "null": ("t.attachments is null", put(attachments=None)),
    "none": ("t.attachments = '{}'", put(attachments=[])),
    "one": (_any_file("a ->> 'path' is not null and a ->> 'type' <> ''"), _file),
    "many": ("cardinality(t.attachments) > 5", _many),
    "foreign_url": (
        _any_file("a ->> 'src' ~ 'old-crm'"),
        put(attachments=[FOREIGN | {"rawFile": {"name": "scan.pdf", "type": "application/pdf"}}]),
    ),
    "no_path": (_any_file("not a ? 'path' and a ? 'type'"), partial(_file, path=None)),
    "no_type": (_any_file("not a ? 'type' and a ? 'path'"), partial(_file, type=None)),
    "empty_type": (_any_file("a ->> 'type' = ''"), partial(_file, type="")),
    "raw_file": (
        _any_file("a -> 'rawFile' ? 'relativePath'"),
        partial(_file, rawFile={"path": "./offer.pdf", "relativePath": "./offer.pdf"}),
    ),
    "raw_file_empty": (_any_file("a -> 'rawFile' = '{}'"), partial(_file, rawFile={})),
    "no_extension": (
        _any_file("a ->> 'path' = '0.123.README'"),
        partial(_file, path="0.123.README", src=f"{activity.BUCKET}/0.123.README", title="README", type=""),
    ),
    "local_url": (_any_file("a ->> 'src' ~ '^http://(127|kong)'"), partial(_file, src=_LOCAL)),
    "kong_url": (_any_file("a ->> 'src' ~ '^http://kong'"), partial(_file, src=_KONG)),
    "no_src": (_any_file("a ->> 'path' is not null and not a ? 'src'"), partial(_file, src=None)),
    "odd_title": (_any_file("a ->> 'title' ~ 'إيصال'"), partial(_file, title='../إيصال 🧾 "x"|y.pdf')),
    "json_null_inside": (_any_file("a = 'null'"), partial(_element, odd="JSON null")),
    "sql_null_inside": ("array_position(t.attachments, null) is not null", partial(_element, odd=None)),
    "scalar_inside": (_any_file("jsonb_typeof(a) = 'string'"), partial(_element, odd="offer.pdf")),
    "empty_inside": (_any_file("a = '{}'"), partial(_element, odd={})),
}


def _note(object_: str, table: str) -> Callable[..., Oddity]:
    def make(id_: str, place: str, where: str, change: Any, *, share: float = 0.01, least: int = 3) -> Oddity:
        return Oddity(
            id=f"{object_}.{id_}", table=table, place=place, where=where, change=change, share=share, least=least
        )

    return make


def _both(object_: str, table: str) -> tuple[Oddity, ...]:
    """What notes of both kinds can hold."""
    note = _note(object_, table)
    return (
        *odd_texts.of(object_, table),
        note("text.null", "text", "t.text is null", put(text=None)),
        note("text.empty", "text", "t.text = ''", _only_file),
        note("text.blank", "text", r"t.text ~ '^\s+$'", put(text=" \n\t "), share=0.006),
        note("date.null", "date", "t.date is null", put(date=None)),
        note("date.future", "date", "extract(year from t.date) = 2027", put(date=_FUTURE)),
        note("date.year_9999", "date", "extract(year from t.date) = 9999", put(date=_FAR), share=0.002),
        note(
            "date.year_1",
            "date",
            "extract(year from t.date) = 1",
            put(date=datetime(1, 1, 1, tzinfo=UTC)),
            share=0.002,
        ),
        note("owner.null", "owner", "t.sales_id is null", put(sales_id=None), share=0.04),
        note("owner.disabled", "owner", "t.sales_id in (select id from sales where disabled)", _disabled),
        *(note(f"attachments.{name}", "files", where, change, share=0.004) for name, (where, change) in _FILES.items()),
    )


_contact_note, _deal_note = _note("contact_note", "contact_notes"), _note("deal_note", "deal_notes")
CONTACT_NOTES = (
    _contact_note("text.megabyte", "text", f"length(t.text) > {_MEGABYTE}", _megabyte, share=0.0, least=1),
    *_both("contact_note", "contact_notes"),
    _contact_note("status.null", "status", "t.status is null", put(status=None), share=0.03),
    _contact_note("status.label", "status", "t.status in ('Hot', 'In Contract')", pick("status", "Hot", "In Contract")),
    _contact_note("status.unknown", "status", "t.status in ('', 'frozen')", pick("status", "", "frozen")),
)
DEAL_NOTES = (
    *_both("deal_note", "deal_notes"),
    _deal_note("type.set", "type_column", "t.type in ('', 'call')", pick("type", "", "call")),
)
