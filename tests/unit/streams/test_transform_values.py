"""streams.transform: single values, in the form Twenty 2.21 stores (`twenty.md` 1.9 and its recordings)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from streams.transform import converters, dates, elements, emails, links, owners, phones, references, text
from streams.transform.converted import OMIT, Given
from streams.transform.phones import Phone


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("https://probe-one.example", "https://probe-one.example"),
        ("HTTPS://Probe-One.example/", "https://probe-one.example"),
        ("HTTPS://PROBE.EXAMPLE/About/Us?X=1", "https://probe.example/About/Us?X=1"),
        ("probe.example", "https://probe.example"),
        ("  www.Probe.Example \n", "https://www.probe.example"),
        ("http://probe.example//", "http://probe.example"),
        ("https://probe.example?q=1", "https://probe.example/?q=1"),
        ("https://probe.example/?", "https://probe.example"),
        ("https://probe.example/#", "https://probe.example"),
        ("https://probe.example/a#Team", "https://probe.example/a#Team"),
        ("https://probe.example:443/a", "https://probe.example/a"),
        ("http://probe.example:8080/", "http://probe.example:8080"),
        ("https://bücher.example/straße", "https://xn--bcher-kva.example/stra%C3%9Fe"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://пример.рф", "https://xn--e1afmkfd.xn--p1ai"),
        ("https://probe.example/m%C3%A9nard", "https://probe.example/m%C3%A9nard"),
        ("https://probe.example/it's?it's", "https://probe.example/it's?it%27s"),
    ],
)
def test_link_as_twenty_stores_it(raw: str, stored: str) -> None:
    """S0-18: scheme and host in lower case, punycode, no trailing slash; path, query and fragment keep their case."""
    assert links.normalise(raw) == stored


@pytest.mark.parametrize(
    "raw",
    [
        "", "   ", "not a url", "n/a", "google", "localhost", "my_shop.example", "mailto:a@b.co", "ftp://x.example",
        "javascript:alert(1)", "https://user:pw@x.example", "https://192.0.2.1", "https://[::1]/", "-x.example",
        "x-.example", "x..example", "https://x.example:99999", "https://x.example:", "a.example, b.example",
        "https://two words.example", "https://x.example/../y", "https://x.example/%2E/y", "x.example\\y", "http://",
        "https://xn--zzzz.example", "☃.example.", "https://x.example/<b>", "a." * 12 + "example", "x" * 64 + ".example",
    ],
)  # fmt: skip
def test_text_that_is_no_link(raw: str) -> None:
    """Twenty would refuse these, or store another text than was sent: they stay text."""
    assert links.normalise(raw) is None


@pytest.mark.parametrize(
    ("raw", "phone"),
    [
        ("+33 6 12 34 56 78", Phone("612345678", "FR", "+33", True)),
        ("+1 415 555 2671 ext 12", Phone("4155552671", "US", "+1", False)),
        ("+1 204 234 5678", Phone("2042345678", "CA", "+1", True)),
        ("+39 02 6982 1234", Phone("0269821234", "IT", "+39", True)),
        ("+54 9 11 2345 6789", Phone("91123456789", "AR", "+54", True)),
        ("tel:+44-20-7946-0958", Phone("2079460958", "GB", "+44", False)),
        ("call me", None),
        ("12", None),
        ("0612345678", None),
        ("+1 555 0100", None),
        ("+800 1234 5678", None),
        ("+33 6 12 34 56 78 90 12 34", None),
        ("", None),
        ("+1" * 200, None),
    ],
)
def test_phone_as_twenty_stores_it(raw: str, phone: Phone | None) -> None:
    """S0-21: national number, country and calling code as in recording 06; what is not surely a number is None."""
    assert phones.normalise(raw) == phone


def test_phone_with_a_region_reads_national_numbers() -> None:
    """`with: {region: FR}` is the operator's word, so a national number is no guess."""
    given = Given(values=([{"number": "06 12 34 56 78", "type": "Home"}],), settings={"region": "FR"})
    value = phones.phones(given).value
    assert (value["primaryPhoneNumber"], value["primaryPhoneCountryCode"]) == ("612345678", "FR")


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("Ada.5@Example.COM", "ada.5@example.com"),
        ("  sp@example.com ", "sp@example.com"),
        ("a@b", "a@b"),
        ("a..b@example.com", "a..b@example.com"),
        ("jörg+x@exämple.de", "jörg+x@exämple.de"),
        ("x" * 64 + "@e.com", "x" * 64 + "@e.com"),
        ("x" * 65 + "@e.com", None),
        ('"q"@example.com', None),
        ("a b@example.com", None),
        ("not an email", None),
        ("a@b@c", None),
        ("Ada <ada@example.com>", None),
        ("a\x07@example.com", None),
        ("@example.com", None),
        ("a@", None),
        ("", None),
    ],
)
def test_email_as_twenty_stores_it(raw: str, stored: str | None) -> None:
    """S0-21: lower case, trimmed; refused ones (recording 06) are None."""
    assert emails.normalise(raw) == stored


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (None, []),
        ([], []),
        ([None, None], []),
        ({}, []),
        ("a@x", [("a@x", "")]),
        ({"email": "a@x", "type": " Work "}, [("a@x", "Work")]),
        ([{"email": "a@x", "type": None}, {"email": ""}, {"email": None}, " "], [("a@x", "")]),
        ([7, True, ["a@x"], {"type": "Work"}], [("7", ""), ("true", ""), ('["a@x"]', ""), ('{"type": "Work"}', "")]),
        ([{"email": {"x": 1}, "type": 3}], [('{"x": 1}', "3")]),
    ],
)
def test_elements_of_anything(raw: Any, expected: list[tuple[str, str]]) -> None:
    """`atomic_crm.md` 7.1, 7.2: null elements, scalars, foreign types; what says something is kept."""
    assert [(element.text, element.kind) for element in elements.read(raw, "email")] == expected


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (datetime(2019, 3, 4, 5, 6, 7, 123_999, UTC), "2019-03-04T05:06:07.123Z"),
        (datetime(2019, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=2))), "2019-03-04T03:06:07.000Z"),
        (datetime(2019, 3, 4, 5, 6, 7), "2019-03-04T05:06:07.000Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000Z"),
        (datetime(2200, 12, 31, 23, 59, 59, tzinfo=UTC), "2200-12-31T23:59:59.000Z"),
        (None, OMIT),
        (datetime(2201, 1, 1, tzinfo=UTC), OMIT),
        ("infinity", OMIT),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))), OMIT),
    ],
)
def test_moment_as_twenty_stores_it(value: Any, written: Any) -> None:
    """Years 0001 to 2200, milliseconds, always with Z; all else is left out, never refused."""
    assert dates.moment(Given(values=(value,))).value == written


def test_moment_out_of_range_is_kept_as_text() -> None:
    """What the destination cannot hold is written down and flagged."""
    converted = dates.moment(Given(values=(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),)))
    assert (converted.leftover, converted.flags) == (("9999-12-31T23:59:59Z",), ("out_of_range",))


@pytest.mark.parametrize(
    ("raw", "stored", "flags"),
    [
        ("  padded  ", "  padded  ", ()),
        ("a\0b", "ab", ("nul_removed",)),
        ("a\ud800b", "a\ufffdb", ("surrogate_replaced",)),
        ("\udc00\0", "\ufffd", ("nul_removed", "surrogate_replaced")),
        ("😀", "😀", ()),
        (None, "", ()),
        (7, "7", ()),
        (True, "true", ()),
        ({"a": "é"}, '{"a": "é"}', ()),
    ],
)
def test_text_as_twenty_stores_it(raw: Any, stored: str, flags: tuple[str, ...]) -> None:
    """NUL would be answered with 500 and a lone surrogate would come back as U+FFFD; null is stored as "" ."""
    converted = text.text(Given(values=(raw,)))
    assert (converted.value, converted.flags) == (stored, flags)


def test_what_cannot_be_written_is_said() -> None:
    """JSON nested deeper than anybody reads does not stop the record."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert text.plain(deep) == "(cannot be written as text)"


@pytest.mark.parametrize(
    ("value", "key"), [(17, "17"), ("17", "17"), (None, None), ("", None), (True, None), ([1], None)]
)
def test_key_of_a_foreign_key_column(value: Any, key: str | None) -> None:
    """Only numbers and text name a row."""
    assert references.key_of(value) == key


def test_a_required_link_says_so() -> None:
    """DESIGN 2, Order: a link is required or optional; optional when the mapping says nothing."""
    given = Given(values=(17,), to="companyId", settings={"object": "company", "link": "required"})
    ref = references.reference(given).ref
    assert ref is not None
    assert (ref.field, ref.kind, ref.key, ref.link) == ("companyId", "company", "17", "required")
    default = references.reference(Given(values=(17,), settings={"object": "company"})).ref
    assert default is not None
    assert default.link == "optional"


@pytest.mark.parametrize("email", ["jane@acme.example", " JANE@Acme.Example\t"])
def test_owner_is_matched_trimmed_and_in_any_case(email: str) -> None:
    """S0-33: case-insensitive, trimmed e-mail match."""
    given = Given(
        values=(3,),
        settings={"object": "sale"},
        related={("sale", "3"): {"email": email}},
        owners={"jane@acme.example": "m-1"},
    )
    assert (owners.owner(given).value, owners.owner(given).flags) == ("m-1", ())


def test_the_registry_is_closed() -> None:
    """The names a mapping may use; each takes an empty rule's defaults or says what it needs."""
    assert converters.names() == {
        "author", "choice", "choice_or_first", "composite", "constant", "email_text", "emails", "first_reference",
        "flags", "further_people", "instant", "label", "lines", "link", "moment", "moment_text", "money", "own_record",
        "owner", "owner_email", "phone_columns", "phones", "prefixed", "presence", "reference", "rich_text",
        "tag_names", "text", "title", "yes_no",
    }  # fmt: skip
