"""Whether a row holds what was sent, after Twenty's own normalisation. Pure (`twenty.md` 1.9; captures 01, 06, 08)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import idna
import phonenumbers

from schemas.catalog import Object
from sinks.twenty import shape


def differing(there: Object, sent: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
    """Names of the fields of `sent` that `row` does not hold, in the order sent. A field the row lacks differs."""
    return [name for name, value in sent.items() if name not in row or not _equal(there, name, value, row[name])]


def _equal(there: Object, name: str, sent: Any, held: Any) -> bool:
    field = there.fields.get(name)
    kind = field.type if field is not None else ""
    if kind in shape.WHOLE:
        return _equal_whole(kind, sent, held)
    if kind in _SUBFIELDS:
        return _equal_subfields(kind, sent, held)
    plain = _PLAIN.get(kind, _as_is)
    return bool(plain(sent) == plain(held))


def _equal_whole(kind: str, sent: Any, held: Any) -> bool:
    if not all(value is None or isinstance(value, Mapping) for value in (sent, held)):
        return bool(sent == held)
    wanted, there = shape.whole(kind, sent), shape.whole(kind, held)
    if kind == "PHONES":
        return _equal_phones(_phones(wanted), _phones(there))
    normal = {"EMAILS": _emails, "LINKS": _links}[kind]
    return bool(normal(wanted) == normal(there))


def _equal_subfields(kind: str, sent: Any, held: Any) -> bool:
    """Only the subfields sent: the server merges the others (0.8). null sent clears every one of them."""
    if held is not None and not isinstance(held, Mapping):
        return bool(sent == held)
    normal, row = _SUBFIELDS[kind], held or {}
    if sent is None:
        return all(normal(name, value) == normal(name, None) for name, value in row.items())
    if not isinstance(sent, Mapping):
        return False
    return all(normal(name, value) == normal(name, row.get(name)) for name, value in sent.items())


def _text(value: Any) -> Any:
    """null is "", half a surrogate pair is U+FFFD; nothing is trimmed."""
    if value is None:
        return ""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value


def _number(value: Any) -> Any:
    """Numbers and numeric texts by value, as a double: JSON loses the digits above 2^53 anyway (1.9)."""
    if value is None or value == "":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def _instant(value: Any) -> Any:
    """Milliseconds since the epoch; no zone and a bare date are UTC; what is no ISO time stays as it is."""
    if not isinstance(value, str) or not value:
        return value or None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return value
    read = read if read.tzinfo else read.replace(tzinfo=UTC)
    past = read - datetime(1970, 1, 1, tzinfo=UTC)
    return (past.days * 86_400 + past.seconds) * 1000 + past.microseconds // 1000


def _date(value: Any) -> Any:
    return value[:10] if isinstance(value, str) and value else value or None


def _id(value: Any) -> Any:
    return value.lower() if isinstance(value, str) and value else value or None


def _list(value: Any) -> Any:
    """A bare text is a list of one; null is an empty list."""
    return [value] if isinstance(value, str) else value or []


def _texts(value: Any) -> Any:
    held = _list(value)
    return [_text(one) for one in held] if isinstance(held, list | tuple) else held


def _json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _as_is(value: Any) -> Any:
    return None if value == "" else value


def _emails(value: Mapping[str, Any]) -> Any:
    more = [str(one).lower() for one in _list(_json(value["additionalEmails"]))]
    return str(value["primaryEmail"]).lower(), more


def link(url: Any) -> Any:
    """A URL as stored: no blanks at its ends, scheme and host in lower case, IDN as punycode, no slash at its end."""
    if not isinstance(url, str):
        return url or ""
    url = url.strip()
    parts = urlsplit(url) if "://" in url else None
    if parts is None or not parts.netloc:
        return url.removesuffix("/")
    user, at, host = parts.netloc.rpartition("@")
    rest = url[url.index("://") + 3 + len(parts.netloc) :]
    return f"{parts.scheme.lower()}://{user}{at}{_host(host)}{rest}".removesuffix("/")


def _host(host: str) -> str:
    if host.isascii():
        return host.lower()
    name, colon, port = host.partition(":")
    try:
        return idna.encode(name, uts46=True).decode("ascii") + colon + port
    except idna.IDNAError:
        return host.lower()


def _links(value: Mapping[str, Any]) -> Any:
    more = [
        (link(one.get("url")), _text(one.get("label")))
        for one in _list(_json(value["secondaryLinks"]))
        if isinstance(one, Mapping)
    ]
    return link(value["primaryLinkUrl"]), _text(value["primaryLinkLabel"]), more


class _Phone(NamedTuple):
    """A number as libphonenumber stores it: "+33 6 12…" is 612345678, FR, +33."""

    national: str
    country: str  #: as given, not inferred
    calling: str


def _phones(value: Mapping[str, Any]) -> list[_Phone]:
    first = _phone(value["primaryPhoneNumber"], value["primaryPhoneCountryCode"], value["primaryPhoneCallingCode"])
    more = [
        _phone(one.get("number"), one.get("countryCode"), one.get("callingCode"))
        for one in _list(_json(value["additionalPhones"]))
        if isinstance(one, Mapping)
    ]
    return [first, *more]


def _equal_phones(sent: list[_Phone], held: list[_Phone]) -> bool:
    """A country that was not sent is the server's guess, from tables of another version than ours: not compared."""
    return len(sent) == len(held) and all(
        (one.national, one.calling) == (other.national, other.calling) and one.country in ("", other.country)
        for one, other in zip(sent, held, strict=True)
    )


def _phone(number: Any, country: Any, calling: Any) -> _Phone:
    number, country, calling = str(number or ""), str(country or ""), str(calling or "")
    digits = calling.removeprefix("+")
    region = country or (phonenumbers.region_code_for_country_code(int(digits)) if digits.isdecimal() else "")
    try:
        read = phonenumbers.parse(number, region or None)
    except phonenumbers.NumberParseException:
        return _Phone(national=number, country=country, calling=calling)
    national = phonenumbers.national_significant_number(read)
    return _Phone(national=national, country=country, calling=f"+{read.country_code}")


def _named(name: str, value: Any) -> Any:
    return _text(value)


def _actor(name: str, value: Any) -> Any:
    return value if name == "context" else _as_is(value)


def _currency(name: str, value: Any) -> Any:
    # The server answers whole micros for 1500000000.5 (capture 01): it reads its own numeric column as an integer.
    amount = _number(value)
    return (int(amount) if isinstance(amount, float) else amount) if name == "amountMicros" else _as_is(value)


def _address(name: str, value: Any) -> Any:
    return _number(value) if name in ("addressLat", "addressLng") else _text(value)


def _rich_text(name: str, value: Any) -> Any:
    """Markdown is kept as sent; blocknote gets random block ids on each write and is not compared (1.9)."""
    return _text(value) if name == "markdown" else None


_SUBFIELDS: Mapping[str, Callable[[str, Any], Any]] = {
    "FULL_NAME": _named,
    "ADDRESS": _address,
    "CURRENCY": _currency,
    "ACTOR": _actor,
    "RICH_TEXT": _rich_text,
    "RICH_TEXT_V2": _rich_text,
}
_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "TEXT": _text,
    "DATE_TIME": _instant,
    "DATE": _date,
    "NUMBER": _number,
    "NUMERIC": _number,
    "POSITION": _number,
    "UUID": _id,
    "RELATION": _id,
    "MORPH_RELATION": _id,
    "MULTI_SELECT": _list,
    "ARRAY": _texts,
    "RAW_JSON": _json,
}


def canonical(kind: str, subfield: str, value: str) -> str:
    """A unique value as stored and compared: `emails.primaryEmail`, `domainName.primaryLinkUrl`, a TEXT as it is."""
    if kind == "EMAILS":
        return value.lower()
    return str(link(value)) if kind == "LINKS" and subfield.lower().endswith("url") else value
