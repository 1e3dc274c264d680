"""What is odd about contacts, and about those who own them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.atomic_crm import eras, words
from sandbox.atomic_crm.eras import Era, Row
from sandbox.atomic_crm.oddities import Around, Oddity, pick, put


def _work(email: Any) -> dict[str, Any]:
    return {"email": email, "type": "Work"}


def _list(column: str, *items: Any) -> Any:
    """Puts odd items behind the good ones."""

    def change(row: Row, around: Around) -> None:
        row[column] = [*row[column], around.rng.choice(items)]

    return change


def _twice(row: Row, _around: Around) -> None:
    row["email_jsonb"] = [*row["email_jsonb"], _work(row["email_jsonb"][0]["email"].upper())]


def _shared(row: Row, around: Around) -> None:
    row["email_jsonb"] = [dict(around.rng.choice(around.clean)["email_jsonb"][0]), *row["email_jsonb"][1:]]


def _upper(row: Row, _around: Around) -> None:
    row["email_jsonb"] = [_work(item["email"].upper()) for item in row["email_jsonb"]]


def _many(row: Row, around: Around) -> None:
    tail = around.rng.randrange(10**6)
    row["email_jsonb"] = [*row["email_jsonb"], *(_work(f"alias{i}.{tail}@example.net") for i in range(12))]


def _long(row: Row, around: Around) -> None:
    row["background"] = words.noise(around.rng, around.rng.randrange(9_000, 30_000))


def _disabled(row: Row, around: Around) -> None:
    row["sales_id"] = around.rng.choice(around.disabled)


def _pending(row: Row, around: Around) -> None:
    row["sales_id"] = around.rng.choice(around.pending)


def _contact(id_: str, place: str, where: str, change: Any, *, share: float = 0.006, legacy: bool = False) -> Oddity:
    held = eras.ALL - {Era.V1_0_0} if place in ("email", "phone") else eras.ALL
    return Oddity(
        id=f"contact.{id_}",
        table="contacts",
        place=place,
        where=where,
        change=change,
        share=share,
        legacy=legacy,
        eras=held,
    )


def _emails(condition: str) -> str:
    return (
        "jsonb_typeof(t.email_jsonb) = 'array' and exists (select from jsonb_array_elements("
        f"case jsonb_typeof(t.email_jsonb) when 'array' then t.email_jsonb else '[]' end) e where {condition})"
    )


def _phones(condition: str) -> str:
    return (
        "exists (select from jsonb_array_elements("
        f"case jsonb_typeof(t.phone_jsonb) when 'array' then t.phone_jsonb else '[]' end) p where {condition})"
    )


_FAR = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_SHARED = (
    "t.email_jsonb -> 0 ->> 'email' <> '' and exists (select from contacts o where o.id <> t.id"
    " and o.email_jsonb -> 0 ->> 'email' = t.email_jsonb -> 0 ->> 'email')"
)
_TWICE = (
    "(select count(*) > count(distinct lower(e ->> 'email')) from jsonb_array_elements("
    "case jsonb_typeof(t.email_jsonb) when 'array' then t.email_jsonb else '[]' end) e where e ->> 'email' <> '')"
)

CONTACTS = (
    _contact("name.first_null", "name", "t.first_name is null and t.last_name is not null", put(first_name=None)),
    _contact("name.last_null", "name", "t.last_name is null and t.first_name is not null", put(last_name=None)),
    _contact(
        "name.both_null", "name", "t.first_name is null and t.last_name is null", put(first_name=None, last_name=None)
    ),
    _contact("name.empty", "name", "t.first_name = '' and t.last_name = ''", put(first_name="", last_name="")),
    _contact(
        "name.padded", "name", "t.first_name <> btrim(t.first_name)", put(first_name=" Ada  ", last_name="Holloway\t")
    ),
    _contact("name.emoji", "name", "t.first_name ~ '🦄'", put(first_name="Noor 🦄👨‍👩‍👧‍👦")),
    _contact("name.rtl", "name", "t.last_name ~ 'العربي'", put(first_name="ليلى", last_name="العربي")),
    _contact("name.cjk", "name", "t.last_name ~ '佐藤'", put(first_name="花子", last_name="佐藤")),
    _contact("name.combining", "name", "t.first_name ~ U&'Zoe\\0308'", put(first_name="Zoe\u0308")),
    _contact("name.long", "name", "length(t.last_name) > 300", put(last_name="Thistlewood-" * 30), share=0.001),
    _contact("company.null", "company", "t.company_id is null", put(company_id=None), share=0.08),
    _contact("owner.null", "owner", "t.sales_id is null", put(sales_id=None), share=0.05),
    _contact("owner.disabled", "owner", "t.sales_id in (select id from sales where disabled)", _disabled),
    _contact("owner.pending", "owner", "t.sales_id in (select id from sales where first_name = 'Pending')", _pending),
    _contact("email.null", "email", "t.email_jsonb is null", put(email_jsonb=None), share=0.03),
    _contact("email.none", "email", "t.email_jsonb = '[]'", put(email_jsonb=[]), share=0.02),
    _contact("email.json_null_inside", "email", _emails("e = 'null'"), _list("email_jsonb", None)),
    _contact(
        "email.no_key",
        "email",
        _emails("jsonb_typeof(e) = 'object' and not e ? 'email'"),
        _list("email_jsonb", {"type": "Home"}),
        legacy=True,
    ),
    _contact(
        "email.bare_string",
        "email",
        _emails("jsonb_typeof(e) = 'string'"),
        _list("email_jsonb", "bare.string@example.org"),
        legacy=True,
    ),
    _contact(
        "email.object",
        "email",
        "jsonb_typeof(t.email_jsonb) = 'object'",
        put(email_jsonb=_work("object@example.net")),
        share=0.001,
        legacy=True,
    ),
    _contact(
        "email.json_null",
        "email",
        "jsonb_typeof(t.email_jsonb) = 'null'",
        put(email_jsonb="JSON null"),
        share=0.001,
        legacy=True,
    ),
    _contact("email.twice", "email", _TWICE, _twice),
    _contact("email.shared", "email", _SHARED, _shared),
    _contact("email.upper", "email", _emails("e ->> 'email' ~ '[A-Z]'"), _upper, legacy=True),
    _contact("email.upper_lowered", "email", _emails("e ->> 'type' = 'Work' and e ->> 'email' ~ '^[a-z]'"), _upper),
    _contact(
        "email.invalid",
        "email",
        _emails("e ->> 'email' in ('not-an-email', 'two@at@example.com', 'space in@example.com', 'nodomain@')"),
        _list("email_jsonb", *map(_work, ("not-an-email", "two@at@example.com", "space in@example.com", "nodomain@"))),
    ),
    _contact("email.invalid_only", "email", "t.email_jsonb -> 0 ->> 'email' = 'n/a'", put(email_jsonb=[_work("n/a")])),
    _contact(
        "email.empty", "email", _emails("e ->> 'email' = ''"), _list("email_jsonb", {"email": "", "type": "Other"})
    ),
    _contact(
        "email.odd_type",
        "email",
        _emails("e ->> 'type' is null or e ->> 'type' in ('', 'Mobile')"),
        _list(
            "email_jsonb",
            {"email": "odd.type@example.com", "type": ""},
            {"email": "no.type@example.com", "type": None},
            {"email": "new.type@example.com", "type": "Mobile"},
        ),
    ),
    _contact(
        "email.idn", "email", _emails("e ->> 'email' ~ 'bücher'"), _list("email_jsonb", _work("hallo@bücher.example"))
    ),
    _contact(
        "email.many",
        "email",
        "jsonb_typeof(t.email_jsonb) = 'array' and t.email_jsonb -> 9 is not null",
        _many,
        share=0.002,
    ),
    _contact("phone.null", "phone", "t.phone_jsonb is null", put(phone_jsonb=None), share=0.04),
    _contact("phone.none", "phone", "t.phone_jsonb = '[]'", put(phone_jsonb=[]), share=0.04),
    _contact(
        "phone.international",
        "phone",
        _phones("p ->> 'number' ~ '^\\+49'"),
        put(phone_jsonb=[{"number": "+49 30 23125 042", "type": "Work"}]),
    ),
    _contact(
        "phone.national",
        "phone",
        _phones("p ->> 'number' ~ '^[(0]'"),
        _list("phone_jsonb", {"number": "(415) 555-0123", "type": "Work"}, {"number": "020 7946 0999", "type": "Home"}),
        share=0.05,
    ),
    _contact(
        "phone.extension",
        "phone",
        _phones("p ->> 'number' ~ '(ext|x)'"),
        _list(
            "phone_jsonb",
            {"number": "+1 212 555 0199 ext. 12", "type": "Work"},
            {"number": "+44 20 7946 0123 x7", "type": "Work"},
        ),
    ),
    _contact(
        "phone.invalid",
        "phone",
        _phones("p ->> 'number' in ('call me', '12', '+1 415 555')"),
        put(
            phone_jsonb=[
                {"number": "call me", "type": "Work"},
                {"number": "12", "type": "Home"},
                {"number": "+1 415 555", "type": "Other"},
            ]
        ),
    ),
    _contact(
        "phone.empty", "phone", _phones("p ->> 'number' = ''"), _list("phone_jsonb", {"number": "", "type": "Work"})
    ),
    _contact(
        "phone.odd_type",
        "phone",
        _phones("p ->> 'type' = ''"),
        put(phone_jsonb=[{"number": "+1 503 555 0142", "type": ""}]),
    ),
    _contact("phone.json_null_inside", "phone", _phones("p = 'null'"), _list("phone_jsonb", None)),
    _contact(
        "phone.no_key",
        "phone",
        _phones("jsonb_typeof(p) = 'object' and not p ? 'number'"),
        _list("phone_jsonb", {"type": "Home"}),
    ),
    _contact(
        "phone.number_inside",
        "phone",
        _phones("jsonb_typeof(p -> 'number') = 'number'"),
        _list("phone_jsonb", {"number": 14155550123, "type": "Work"}),
    ),
    _contact(
        "phone.scalar",
        "phone",
        "jsonb_typeof(t.phone_jsonb) in ('string', 'number', 'boolean')",
        pick("phone_jsonb", "+1 617 555 0117", 4155550123, True),
    ),
    _contact(
        "phone.object",
        "phone",
        "jsonb_typeof(t.phone_jsonb) = 'object'",
        put(phone_jsonb={"number": "+1 617 555 0118", "type": "Work"}),
    ),
    _contact(
        "phone.twice",
        "phone",
        "t.phone_jsonb -> 0 ->> 'number' = t.phone_jsonb -> 1 ->> 'number'",
        put(
            phone_jsonb=[{"number": "+44 20 7946 0321", "type": "Work"}, {"number": "+44 20 7946 0321", "type": "Home"}]
        ),
    ),
    _contact("background.toasted", "background", "pg_column_size(t.background) > 8000", _long, share=0.01),
    _contact("background.empty", "background", "t.background = ''", put(background="")),
    _contact("background.null", "background", "t.background is null", put(background=None), share=0.3),
    _contact(
        "background.unicode",
        "background",
        "t.background ~ '𝔘'",
        put(background="𝔘nicode 🧵\n\n- a list\n- 二\u00a0\u200bzero width\x0b"),
    ),
    _contact(
        "background.placeholder",
        "background",
        "t.background = '__debezium_unavailable_value '",
        put(background="__debezium_unavailable_value "),
        share=0.0006,
    ),
    _contact("tags.null", "tags", "t.tags is null", put(tags=None), share=0.05),
    _contact("tags.dangling", "tags", "t.tags && array[99, 100]::bigint[]", pick("tags", [1, 99], [100])),
    _contact("tags.twice", "tags", "t.tags = array[2, 2]::bigint[]", put(tags=[2, 2])),
    _contact("tags.null_inside", "tags", "array_position(t.tags, null) is not null", put(tags=[3, None])),
    _contact("newsletter.null", "newsletter", "t.has_newsletter is null", put(has_newsletter=None), share=0.1),
    _contact(
        "first_seen.year_1",
        "seen",
        "extract(year from t.first_seen) = 1",
        put(first_seen=datetime(1, 1, 1, tzinfo=UTC)),
        share=0.001,
    ),
    _contact(
        "first_seen.year_9999", "seen", "extract(year from t.first_seen) = 9999", put(first_seen=_FAR), share=0.001
    ),
    _contact("first_seen.null", "seen", "t.first_seen is null", put(first_seen=None), share=0.02),
    _contact("last_seen.null", "seen", "t.last_seen is null", put(last_seen=None), share=0.02),
    _contact(
        "linkedin.no_scheme",
        "linkedin",
        "t.linkedin_url ~ '^(www|fr)'",
        pick("linkedin_url", "www.linkedin.com/in/nobody-example", "fr.linkedin.com/in/personne-example"),
        share=0.03,
    ),
    _contact(
        "linkedin.elsewhere",
        "linkedin",
        "t.linkedin_url ~ 'social'",
        put(linkedin_url="https://social.example/@nobody"),
    ),
    _contact("linkedin.empty", "linkedin", "t.linkedin_url = ''", put(linkedin_url="")),
    _contact("avatar.empty", "avatar", "t.avatar = '{}'", put(avatar={})),
    _contact("avatar.error", "avatar", "t.avatar ->> 'src' = 'ERROR'", put(avatar={"src": "ERROR"})),
    _contact(
        "avatar.data_uri",
        "avatar",
        "t.avatar ->> 'src' ~ '^data:'",
        put(avatar={"src": "data:image/png;base64,iVBORw0KGgo="}),
    ),
    _contact("gender.odd", "gender", "t.gender in ('', 'X', 'Male')", pick("gender", "", "X", "Male")),
    _contact("gender.null", "gender", "t.gender is null", put(gender=None), share=0.05),
    _contact(
        "status.label", "status", "t.status in ('Hot Lead', 'In Contract')", pick("status", "Hot Lead", "In Contract")
    ),
    _contact("status.null", "status", "t.status is null", put(status=None), share=0.03),
    _contact("title.empty", "title", "t.title = ''", put(title="")),
    _contact("title.long", "title", "length(t.title) > 500", put(title="Deputy " * 80 + "Gardener"), share=0.001),
)

SALES = (
    Oddity(id="sale.disabled", table="sales", place="disabled", where="t.disabled", change=put(disabled=True)),
    Oddity(
        id="sale.pending",
        table="sales",
        place="name",
        where="t.first_name = 'Pending'",
        change=put(first_name="Pending", last_name="Pending"),
    ),
    Oddity(
        id="sale.upper_email",
        table="sales",
        place="email",
        where="t.email::text ~ '[A-Z]'",
        change=lambda row, _: row.update(email=row["email"].title()),
    ),
)
