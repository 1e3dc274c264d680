"""Amounts → Twenty's CURRENCY in micros (`twenty.md` 1.9; S0-26: 0, null and negative amounts keep their meaning)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from streams.transform import references, text
from streams.transform.converted import Converted, Given

TOO_LARGE = "too_large"
NO_NUMBER = "no_number"
UNKNOWN_CURRENCY = "unknown_currency"
_MICROS = 1_000_000
#: JSON loses digits of larger numbers (`twenty.md` 1.9): 9,007,199,254 whole units.
_LARGEST = 2**53 - 1
_DEFAULT = "USD"
_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL "
    "GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD "
    "KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO "
    "NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD "
    "SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV "
    "WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG "
)
#: ISO 4217, currencies and funds in use.
ISO_4217 = frozenset(_CODES.split())


def money(given: Given) -> Converted:
    """Whole units → `{amountMicros, currencyCode}`; null → both null, 0 stays 0.

    The currency is `config.currency` of the row that `with: {object, key, reads}` names, else `with: {currency}`.
    Twenty would store any text as a currency: one that ISO 4217 does not know is flagged and kept in `leftover`. So is
    an amount that Twenty's JSON cannot hold digit by digit.
    """
    if given.value is None:
        return Converted(value=_shape(None, None))
    code, flags, leftover = _currency(given)
    micros = _micros(given.value)
    if micros is not None and abs(micros) <= _LARGEST:
        return Converted(value=_shape(micros, code), flags=flags, leftover=leftover)
    written, found = text.cleaned(given.value)
    why = NO_NUMBER if micros is None else TOO_LARGE
    return Converted(value=_shape(None, None), flags=(*flags, *found, why), leftover=(f"{written} {code}", *leftover))


def _micros(value: Any) -> int | None:
    """None for what is no finite number, or finer than a micro."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if isinstance(value, int):
        return value * _MICROS
    if not value.is_finite():
        return None
    if value.adjusted() > 12:
        return _LARGEST + 1
    micros = value.scaleb(6)
    return int(micros) if micros == micros.to_integral_value() else None


def _currency(given: Given) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Code, flags, and what is kept."""
    otherwise = str(given.settings.get("currency", _DEFAULT))
    row = references.row(given) or {}
    config = row.get(given.settings["reads"][0]) if given.settings.get("reads") else None
    raw, _ = text.cleaned(config.get("currency") if isinstance(config, Mapping) else None)
    code = raw.strip().upper()
    if not code:
        return otherwise, (), ()
    if code not in ISO_4217:
        return otherwise, (UNKNOWN_CURRENCY,), (f"currency {raw}",)
    return code, (), ()


def _shape(micros: int | None, code: str | None) -> dict[str, Any]:
    return {"amountMicros": micros, "currencyCode": code}
