"""PHONES values: libphonenumber's findings and Twenty's refusals (`twenty.md` 1.9, recording 06).

The real server runs libphonenumber-js with its smallest metadata; `phonenumbers` carries the full one, so for calling
codes shared by several countries (+1, +44, +7 …) the country of a number that is not valid may differ."""

from __future__ import annotations

import json
from typing import Any

import phonenumbers

from sandbox.twenty.errors import TwentyError, coded, unsupported
from sandbox.twenty.scalars import bad_subfield, composite_value, object_value, text_value

PARTS = ("primaryPhoneNumber", "primaryPhoneCountryCode", "primaryPhoneCallingCode", "additionalPhones")


def phones_value(value: Any, name: str) -> dict[str, Any] | None:
    """The subfields that a write of this value sets; `additionalPhones` is always among them."""
    given = composite_value(value, name)
    if given is None:
        return None
    for part, inner in given.items():
        if part not in PARTS:
            raise bad_subfield(part, "phones", name)
        if part == "additionalPhones":
            object_value(inner, f"{name}.{part}")
        else:
            text_value(inner, f"{name}.{part}")
    number, calling, country = _infer(
        given.get("primaryPhoneNumber"), given.get("primaryPhoneCallingCode"), given.get("primaryPhoneCountryCode")
    )
    found: dict[str, Any] = {"additionalPhones": _additional(given.get("additionalPhones"))}
    for part, item in (("Number", number), ("CallingCode", calling), ("CountryCode", country)):
        if item is not None or f"primaryPhone{part}" in given:
            found[f"primaryPhone{part}"] = item or ""
    return found


def _additional(value: Any) -> list[dict[str, Any]]:
    items = json.loads(value) if isinstance(value, str) and value else value or []
    if not isinstance(items, list):
        return []
    found = []
    for item in items:
        if not isinstance(item, dict):
            raise unsupported("an additional phone that is not an object")
        number, calling, country = _infer(item.get("number"), item.get("callingCode"), item.get("countryCode"))
        whole = {"number": number, "callingCode": calling, "countryCode": country}
        found.append({key: part for key, part in whole.items() if part is not None})
    return found


def _infer(number: Any, calling: Any, country: Any) -> tuple[str | None, str | None, str | None]:
    if country and country not in phonenumbers.SUPPORTED_REGIONS:
        raise coded(f"Invalid country code {country}", "INVALID_PHONE_COUNTRY_CODE")
    if calling:
        regions = _regions(calling)
        if not regions:
            raise coded(f"Invalid calling code {calling}", "INVALID_PHONE_CALLING_CODE")
        if country and country not in regions:
            raise coded(
                "Provided country code and calling code are conflicting",
                "CONFLICTING_PHONE_CALLING_CODE_AND_COUNTRY_CODE",
            )
    if not number:
        return number, calling, country
    if not isinstance(number, str):
        raise unsupported("a phone number that is not a text")
    parsed = _parse(number, calling, country)
    code = parsed.country_code or 0
    inferred = _region(parsed, code)
    if inferred and country and inferred != country:
        raise coded("Provided and inferred country code are conflicting", "CONFLICTING_PHONE_COUNTRY_CODE")
    if calling and str(code) != calling.replace("+", ""):
        raise coded("Provided and inferred calling code are conflicting", "CONFLICTING_PHONE_CALLING_CODE")
    national = phonenumbers.national_significant_number(parsed)
    return national, calling if calling is not None else f"+{code}", country if country is not None else inferred


def _parse(number: str, calling: str | None, country: str | None) -> Any:
    default = country or (_regions(calling)[0] if calling else None)
    try:
        return phonenumbers.parse(number, default)
    except phonenumbers.NumberParseException as error:
        refusal: TwentyError = coded(f"Provided phone number is invalid {number}", "INVALID_PHONE_NUMBER")
        raise refusal from error


def _region(parsed: Any, code: int) -> str | None:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    if len(regions) == 1 and regions[0] != "001":
        return str(regions[0])
    found = phonenumbers.region_code_for_number(parsed)
    return str(found) if found and found != "001" else None


def _regions(calling: str) -> tuple[str, ...]:
    digits = calling.replace("+", "")
    if not digits.isdigit():
        return ()
    found: tuple[str, ...] = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(digits), ())
    return tuple(region for region in found if region != "001")
