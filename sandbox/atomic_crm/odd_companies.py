"""What is odd about companies."""

from __future__ import annotations

from sandbox.atomic_crm import words
from sandbox.atomic_crm.eras import Row
from sandbox.atomic_crm.oddities import Around, Oddity, copied, edit, pick, put


def _host(url: str) -> str:
    return url.split("://", 1)[1].rstrip("/")


def _other_owner(row: Row, around: Around) -> None:
    row["sales_id"] = around.rng.choice(around.disabled)


def _long(row: Row, around: Around) -> None:
    row["description"] = words.paragraph(around.rng, 400)


def _company(id_: str, place: str, where: str, change: object, *, share: float = 0.01, legacy: bool = False) -> Oddity:
    assert callable(change)
    return Oddity(
        id=f"company.{id_}", table="companies", place=place, where=where, change=change, share=share, legacy=legacy
    )


_LOGO = {
    "src": "https://crm-example.supabase.example/storage/v1/object/public/attachments/0.7531.png",
    "path": "0.7531.png",
    "title": "logo.png",
    "type": "image/png",
    "rawFile": {"path": "./logo.png", "relativePath": "./logo.png"},
}
_TWIN = "exists (select from companies o where o.id <> t.id and {})"
_CASE = "lower(o.website::text) = lower(t.website::text) and o.website::text <> t.website::text"
COMPANIES = (
    _company(
        "website.no_scheme", "website", r"t.website::text ~ '^[a-z0-9.-]+\.example$'", edit("website", _host), share=0.1
    ),
    _company("website.upper", "website", "t.website::text ~ '^HTTPS?://[A-Z]'", edit("website", str.upper)),
    _company(
        "website.path",
        "website",
        "t.website::text ~ '://[^/]+/.+'",
        edit("website", lambda w: w + "/en/about?ref=crm#team"),
    ),
    _company(
        "website.slash", "website", "t.website::text ~ '://[^/]+/$'", edit("website", lambda w: w + "/"), share=0.05
    ),
    _company(
        "website.idn",
        "website",
        "t.website::text ~ 'bücher'",
        edit("website", lambda w: w.replace("://", "://bücher-")),
        share=0.005,
    ),
    _company(
        "website.invalid_word",
        "website",
        "t.website::text in ('n/a', 'none', '-', 'TBD')",
        pick("website", "n/a", "none", "-", "TBD"),
    ),
    _company(
        "website.invalid_spaces",
        "website",
        r"t.website::text ~ '\s'",
        pick("website", "https://two words.example", " see card ", "ask Ada\nfirst"),
    ),
    _company("website.empty", "website", "t.website::text = ''", put(website="")),
    _company("website.null", "website", "t.website is null", put(website=None), share=0.06),
    _company("website.twin_same", "website", _TWIN.format("o.website::text = t.website::text"), copied("website", str)),
    _company("website.twin_case", "website", _TWIN.format(_CASE), copied("website", str.title)),
    _company(
        "website.twin_slash",
        "website",
        _TWIN.format("o.website::text || '/' = t.website::text"),
        copied("website", lambda w: w + "/"),
    ),
    _company("name.emoji", "name", "t.name ~ '🚀'", edit("name", lambda n: f"🚀 {n} 👩‍🚀")),
    _company("name.rtl", "name", "t.name ~ 'شركة'", edit("name", lambda n: f"شركة {n}")),
    _company("name.cjk", "name", "t.name ~ '株式会社'", edit("name", lambda n: f"株式会社 {n}")),
    _company("name.empty", "name", "t.name = ''", put(name="")),
    _company("name.padded", "name", "t.name <> btrim(t.name)", edit("name", lambda n: f"  {n} ")),
    _company("name.twin", "name", _TWIN.format("o.name = t.name"), copied("name", str)),
    _company("name.long", "name", "length(t.name) > 300", edit("name", lambda n: n + " and Friends" * 30), share=0.003),
    _company(
        "size.outside", "size", "t.size not in (1, 10, 50, 250, 500)", pick("size", 5, 0, -1, 32767, 1200), share=0.02
    ),
    _company("size.null", "size", "t.size is null", put(size=None), share=0.05),
    _company(
        "revenue.words",
        "revenue",
        "t.revenue ~ '[^0-9]'",
        pick("revenue", "$500M", "1,2 Mio €", "~ 3.4bn", "secret", "10-20k"),
        share=0.1,
    ),
    _company("revenue.empty", "revenue", "t.revenue = ''", put(revenue="")),
    _company("sector.unknown", "sector", "t.sector in ('space-mining', 'R&D')", pick("sector", "space-mining", "R&D")),
    _company(
        "sector.label",
        "sector",
        "t.sector in ('Health Care', 'Real Estate')",
        pick("sector", "Health Care", "Real Estate"),
    ),
    _company("sector.empty", "sector", "t.sector = ''", put(sector="")),
    _company("context_links.null", "context_links", "t.context_links is null", put(context_links=None), share=0.3),
    _company("context_links.json_null", "context_links", "t.context_links::text = 'null'", put(context_links="null")),
    _company(
        "context_links.null_inside",
        "context_links",
        "t.context_links::text ~ 'null,'",
        put(context_links='[null, "https://news.example/a"]'),
    ),
    _company(
        "context_links.empty_inside",
        "context_links",
        "t.context_links::text ~ ', \"\"'",
        put(context_links='["https://news.example/b", ""]'),
    ),
    _company(
        "context_links.nul",
        "context_links",
        r"t.context_links::text ~ '\\u0000'",
        put(context_links='["https://news.example/c\\u0000d", "e\\u0000"]'),
    ),
    _company(
        "context_links.object",
        "context_links",
        "t.context_links::text ~ '^{'",
        put(context_links='{"url": "https://news.example/f"}'),
    ),
    _company("description.long", "description", "length(t.description) > 10000", _long, share=0.005),
    _company(
        "description.control",
        "description",
        r"t.description ~ '\x01'",
        put(description="tab\there, bell\x07, \x01 start\r\nline two\u2028three"),
    ),
    _company("description.empty", "description", "t.description = ''", put(description="")),
    _company("phone.national", "phone", "t.phone_number ~ '^\\('", put(phone_number="(415) 555-0123")),
    _company("phone.extension", "phone", "t.phone_number ~ 'ext'", put(phone_number="+1 212 555 0199 ext. 12")),
    _company(
        "phone.invalid",
        "phone",
        "t.phone_number in ('call me', '12')",
        pick("phone_number", "call me", "12"),
        share=0.02,
    ),
    _company("phone.empty", "phone", "t.phone_number = ''", put(phone_number="")),
    _company(
        "linkedin.no_scheme", "linkedin", "t.linkedin_url ~ '^www'", edit("linkedin_url", lambda u: u.split("://")[1])
    ),
    _company("linkedin.empty", "linkedin", "t.linkedin_url = ''", put(linkedin_url="")),
    _company("address.lines", "address", r"t.address ~ '\n'", edit("address", lambda a: f"{a}\n3rd floor")),
    _company("owner.null", "owner", "t.sales_id is null", put(sales_id=None), share=0.05),
    _company("owner.disabled", "owner", "t.sales_id in (select id from sales where disabled)", _other_owner),
    _company("logo.empty", "logo", "t.logo = '{}'", put(logo={})),
    _company("logo.uploaded", "logo", "t.logo ? 'path' and t.logo ? 'rawFile'", put(logo=_LOGO)),
)
