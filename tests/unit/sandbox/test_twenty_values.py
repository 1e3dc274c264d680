"""What the Twenty stand-in makes of single values (`twenty.md` 1.9)."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.twenty import scalars
from sandbox.twenty.errors import TwentyError
from sandbox.twenty.links import normal_url
from sandbox.twenty.phones import phones_value


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2024-01-05", "2024-01-05T00:00:00.000Z"),
        ("20240105", "2024-01-05T00:00:00.000Z"),
        ("2024-01-05 10:00:00", "2024-01-05T10:00:00.000Z"),
        ("2024-01-05T10:00:00+02:00", "2024-01-05T08:00:00.000Z"),
        ("2024-01-05T10:00:00.123456Z", "2024-01-05T10:00:00.123Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_date_times_taken(sent: str, stored: str) -> None:
    """ISO forms are taken; no zone is UTC."""
    assert scalars.date_time_value(sent, "f") == stored


@pytest.mark.parametrize("sent", ["2024-02-30", "2024-1-5", "", "yesterday", 1551675967123, True, "2024-0105"])
def test_date_times_refused(sent: Any) -> None:
    """What is not ISO is refused with the field's name."""
    with pytest.raises(TwentyError) as refused:
        scalars.date_time_value(sent, "createdAt")
    assert refused.value.status == 400
    assert 'for date-time field "createdAt"' in refused.value.body["messages"][0]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("HTTPS://Example.COM/", "https://example.com"),
        ("https://example.com/A/b?C=d#E", "https://example.com/A/b?C=d#E"),
        ("https://example.com/a/", "https://example.com/a"),
        ("  https://example.com ", "https://example.com"),
        ("example.com", "example.com"),
        ("localhost", "localhost"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("mailto:a@b.co", "nulla@b.co"),
    ],
)
def test_urls_taken(sent: str, stored: str) -> None:
    """The origin is normalised, the rest kept, no scheme is added."""
    assert normal_url(sent) == stored


@pytest.mark.parametrize("sent", ["not a url", "word", "ftp://example.com", "javascript:alert(1)", "a_b.example.com"])
def test_urls_refused(sent: str) -> None:
    """INVALID_URL."""
    with pytest.raises(TwentyError) as refused:
        normal_url(sent)
    assert refused.value.body["code"] == "INVALID_URL"


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"primaryPhoneNumber": "0612345678"}, "INVALID_PHONE_NUMBER"),
        ({"primaryPhoneNumber": "612345678", "primaryPhoneCountryCode": "fr"}, "INVALID_PHONE_COUNTRY_CODE"),
        ({"primaryPhoneNumber": "612345678", "primaryPhoneCallingCode": "+999"}, "INVALID_PHONE_CALLING_CODE"),
        ({"primaryPhoneNumber": "+33123456789", "primaryPhoneCallingCode": "+1"}, "CONFLICTING_PHONE_CALLING_CODE"),
        ({"primaryPhoneNumber": "+33612345678", "primaryPhoneCountryCode": "US"}, "CONFLICTING_PHONE_COUNTRY_CODE"),
        ({"additionalPhones": [{"number": "call me"}]}, "INVALID_PHONE_NUMBER"),
    ],
)
def test_phones_refused(sent: dict[str, Any], code: str) -> None:
    """Each contradiction has its code."""
    with pytest.raises(TwentyError) as refused:
        phones_value(sent, "phones")
    assert refused.value.body["code"] == code


def test_a_number_alone_tells_country_and_calling_code() -> None:
    """An international number is split; additional phones left out are wiped."""
    assert phones_value({"primaryPhoneNumber": "+33 6 12 34 56 78"}, "phones") == {
        "primaryPhoneNumber": "612345678",
        "primaryPhoneCallingCode": "+33",
        "primaryPhoneCountryCode": "FR",
        "additionalPhones": [],
    }
