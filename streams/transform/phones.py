"""`phone_jsonb` → Twenty's PHONES (`twenty.md` 1.9): country, calling code and national number."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import phonenumbers

from streams.transform import elements
from streams.transform.converted import Converted, Given

UNPARSABLE = "unparsable"
EXTENSION = "extension_kept_as_text"
_LETTERS = re.compile(r"[^\W\d_]")
_MAX_LENGTH = 250  # the parser itself refuses longer text


class Phone(NamedTuple):
    """One number as Twenty stores it."""

    number: str  #: national significant number, `612345678`
    country: str  #: ISO 3166, `FR`
    calling: str  #: `+33`
    whole: bool  #: False when the text said more than the number: an extension, letters


@lru_cache(maxsize=65_536)
def normalise(raw: str, region: str | None = None) -> Phone | None:
    """The number that `raw` names, or None when it names none surely.

    A number without `+` needs `region`; without one it is not guessed. Only numbers valid for a country are taken:
    Twenty's libphonenumber and ours then agree on the country, and the national form reads back to the same number,
    so what is sent is what is stored.
    """
    if len(raw) > _MAX_LENGTH:
        return None
    try:
        parsed = phonenumbers.parse(raw, region)
        country = phonenumbers.region_code_for_number(parsed)
        if country is None or not phonenumbers.is_valid_number_for_region(parsed, country):
            return None
        number = phonenumbers.national_significant_number(parsed)
        again = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.national_significant_number(again) != number or again.country_code != parsed.country_code:
        return None
    whole = parsed.extension is None and not _LETTERS.search(raw)
    return Phone(number=number, country=country, calling=f"+{parsed.country_code}", whole=whole)


def phones(given: Given) -> Converted:
    """The first number that parses → primary, the others → additional, in order, without repeats.

    `leftover` gets a line for each element with a type, an extension (Twenty drops it silently) or text that is no
    number (Twenty answers 400). `with: {region: FR}` reads national numbers as of that country.
    """
    region = given.settings.get("region")
    usable: dict[tuple[str, str], Phone] = {}
    leftover: list[str] = []
    found = elements.read(given.value, "number")
    flags: list[str] = list(elements.flags(found))
    for element in found:
        phone = normalise(element.text.strip(), region)
        if phone is None:
            flags.append(UNPARSABLE)
        else:
            usable.setdefault((phone.calling, phone.number), phone)
            if not phone.whole:
                flags.append(EXTENSION)
        if element.kind or phone is None or not phone.whole:
            leftover.append(elements.line(element.text, element.kind))
    return Converted(value=_shape(list(usable.values())), flags=tuple(dict.fromkeys(flags)), leftover=tuple(leftover))


def phone_columns(given: Given) -> Converted:
    """Pairs of columns, number and type (until January 2025) → PHONES, as if they were `phone_jsonb`."""
    pairs = zip(given.values[::2], given.values[1::2], strict=False)
    found = [{"number": number, "type": kind} for number, kind in pairs if number is not None]
    return phones(replace(given, values=(found,)))


def _shape(numbers: list[Phone]) -> dict[str, Any]:
    """Always the whole value (`twenty.md` 0.8)."""
    primary = numbers[0] if numbers else Phone("", "", "", True)
    return {
        "primaryPhoneNumber": primary.number,
        "primaryPhoneCountryCode": primary.country,
        "primaryPhoneCallingCode": primary.calling,
        "additionalPhones": [
            {"number": phone.number, "countryCode": phone.country, "callingCode": phone.calling}
            for phone in numbers[1:]
        ],
    }
