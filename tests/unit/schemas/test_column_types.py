"""schemas.column_types: Debezium's JSON values become what psycopg gives for the same column."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from schemas import column_types
from schemas.change_event import UNAVAILABLE


@pytest.mark.parametrize(
    ("value", "pg_type", "expected"),
    [
        (17, "bigint", 17),
        ("17", "integer", 17),
        (5, "smallint", 5),
        (1.5, "double precision", 1.5),
        ("12.50", "numeric(10,2)", Decimal("12.50")),
        ("POSITIVE_INFINITY", "numeric", Decimal("Infinity")),
        ("Acme", "citext", "Acme"),
        ("Acme", "character varying(255)", "Acme"),
        ("5f6c2a60-0000-4000-8000-000000000000", "uuid", "5f6c2a60-0000-4000-8000-000000000000"),
        (True, "boolean", True),
        ("2024-05-06T07:08:09.1Z", "timestamp with time zone", datetime(2024, 5, 6, 7, 8, 9, 100_000, UTC)),
        ("2024-05-06T07:08:09Z", "timestamp(3) with time zone", datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)),
        (1_714_979_289_123_456, "timestamp without time zone", datetime(2024, 5, 6, 7, 8, 9, 123_456)),
        (19_849, "date", date(2024, 5, 6)),
        (25_689_000_000, "time without time zone", time(7, 8, 9)),
        (86_400_000_000, "time without time zone", "24:00:00"),
        ("07:08:09Z", "time with time zone", time(7, 8, 9, tzinfo=UTC)),
        ('{"a": [1, null]}', "jsonb", {"a": [1, None]}),
        ("null", "json", None),
        ([1, 99, None], "bigint[]", [1, 99, None]),
        (['{"src": "x"}', None], "jsonb[]", [{"src": "x"}, None]),
        (["12.5"], "numeric(10,2)[]", [Decimal("12.5")]),
        ("AAEC", "bytea", b"\x00\x01\x02"),
        ({"x": 1}, "geometry", {"x": 1}),
        (None, "bigint", None),
    ],
)
def test_value_of_each_type(value: Any, pg_type: str, expected: Any) -> None:
    """Each type of `engine.md` 3 and `atomic_crm.md` 5.7 decodes to the typed value."""
    decoded = column_types.decode(value, pg_type)
    assert decoded == expected
    assert type(decoded) is type(expected)


def test_not_a_number() -> None:
    """numeric NaN arrives as the text NAN."""
    assert column_types.decode("NAN", "numeric").is_nan()


@pytest.mark.parametrize(
    ("value", "pg_type"),
    [
        ("infinity", "timestamp with time zone"),
        ("-infinity", "timestamp with time zone"),
        ("-0044-03-15T00:00:00Z", "timestamp with time zone"),
        ("+12026-01-01T00:00:00Z", "timestamp with time zone"),
        ("infinity", "date"),
        ("not base64!", "bytea"),
        ("not json", "jsonb"),
        ("[" * 100_000, "json"),
        (UNAVAILABLE, "jsonb"),
        (UNAVAILABLE, "text"),
        ([UNAVAILABLE], "jsonb[]"),
        (list(UNAVAILABLE.encode()), "bigint[]"),
        ("x", "bigint"),
        ("x", "numeric"),
    ],
)
def test_what_does_not_fit_comes_back_as_it_is(value: Any, pg_type: str) -> None:
    """Infinity, years outside 1..9999, broken text and the placeholder never raise and are not changed."""
    assert column_types.decode(value, pg_type) == value


@pytest.mark.parametrize(("value", "pg_type"), [(2**62, "timestamp without time zone"), (2**31 - 1, "date")])
def test_numbers_beyond_the_calendar_are_text(value: int, pg_type: str) -> None:
    """A timestamp or date that Python has no value for stays readable as text."""
    assert column_types.decode(value, pg_type) == str(value)


def test_row_keeps_columns_of_unknown_type() -> None:
    """`atomic_crm.md` 1.7: columns of forks are carried through."""
    image = {"id": 1, "tags": [1], "referred_by": "Bob", "website": None}
    columns = {"id": "bigint", "tags": "bigint[]", "website": "citext"}
    assert column_types.decode_row(image, columns) == image
