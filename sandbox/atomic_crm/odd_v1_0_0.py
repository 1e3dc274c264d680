"""What only the first era can hold: one e-mail as free text, two phones (`atomic_crm.md` 2.2, 7.5)."""

from __future__ import annotations

from typing import Any

from sandbox.atomic_crm.eras import Era, Row
from sandbox.atomic_crm.oddities import Around, Oddity, put

_ONLY = frozenset({Era.V1_0_0})


def _two(row: Row, _around: Around) -> None:
    row["email_text"] = f"first.{row['id']}@example.com,second.{row['id']}@example.com"


def _upper(row: Row, _around: Around) -> None:
    row["email_text"] = f"LOUD.{row['id']}@EXAMPLE.COM"


def _v1(id_: str, place: str, where: str, change: Any) -> Oddity:
    return Oddity(
        id=f"contact.v1.{id_}", table="contacts", place=place, where=where, change=change, share=0.006, eras=_ONLY
    )


CONTACTS_V1 = (
    _v1("email.null", "email_text", "t.email is null", put(email_text=None)),
    _v1("email.empty", "email_text", "t.email = ''", put(email_text="")),
    _v1("email.two", "email_text", "t.email ~ '@.*,.*@'", _two),
    _v1("email.quote", "email_text", "t.email ~ '\"'", put(email_text='"Ada" <ada@example.com>')),
    _v1("email.invalid", "email_text", "t.email = 'not-an-email'", put(email_text="not-an-email")),
    _v1("email.upper", "email_text", "t.email ~ '[A-Z]'", _upper),
    _v1("email.shared", "email_text", "t.email = 'office@example.org'", put(email_text="office@example.org")),
    _v1("phone.invalid", "phone_text", "t.phone_1_number = 'call me'", put(phone_text="call me", phone_kind="Work")),
    _v1(
        "phone.extension",
        "phone_text",
        "t.phone_1_number ~ 'ext'",
        put(phone_text="+1 212 555 0199 ext. 12", phone_kind=None),
    ),
    _v1("phone.empty", "phone_text", "t.phone_1_number = ''", put(phone_text="", phone_kind="")),
    _v1(
        "phone.second_only",
        "phone_text",
        "t.phone_1_number is null and t.phone_2_number is not null",
        put(second_phone_only=True),
    ),
)
