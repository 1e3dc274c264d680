"""Error bodies as a Twenty 2.21.0 server sent them, and what they mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sinks.twenty import words
from sinks.twenty.words import Kind

BAD = "BadRequestException"


def refusal(text: str, status: int = 400, error: str = BAD, **more: str) -> dict[str, Any]:
    """The usual envelope."""
    return {"statusCode": status, "error": error, "messages": [text], **more}


BODIES: list[tuple[int, Any, Kind]] = [
    (429, refusal("Limit reached (100 tokens per 60000 ms)", 429, "HttpException"), Kind.LIMITED),
    (400, refusal("A duplicate entry was detected"), Kind.DUPLICATE),
    (
        400,
        refusal('insert or update on table "company" violates foreign key constraint "FK_abe91dff1e48d77edca339f387c"'),
        Kind.PARENT,
    ),
    (
        400,
        refusal(
            "Expected 1 record to connect to company, but found 0 for domainNamePrimaryLinkUrl = https://n.example"
        ),
        Kind.PARENT,
    ),
    (
        400,
        refusal(
            'update or delete on table "company" violates foreign key constraint "FK_7" on table "timelineActivity"'
        ),
        Kind.REFUSED,
    ),
    (404, refusal("Record not found", 404, "NotFoundException"), Kind.MISSING),
    (400, refusal("Maximum number of records to upsert is 200."), Kind.TOO_MANY),
    (
        400,
        refusal("Cannot update more than 200 records at once", error="Error", code="TOO_MANY_RECORDS_TO_UPDATE"),
        Kind.TOO_MANY,
    ),
    (500, "request entity too large", Kind.TOO_LARGE),
    (413, "<html>413 Request Entity Too Large</html>", Kind.TOO_LARGE),
    (500, refusal("Data validation error.", 500, "InternalServerErrorException"), Kind.REFUSED),
    (500, refusal("Internal server error", 500, "InternalServerErrorException"), Kind.FAULT),
    (502, "<html>502 Bad Gateway</html>", Kind.FAULT),
    (400, refusal('Object company doesn\'t have any "zzz" field.'), Kind.REFUSED),
    (400, refusal('Invalid subfield addressStreet9 for address field "address"'), Kind.REFUSED),
    (400, refusal("The URL of the link is not valid", error="Error", code="INVALID_URL"), Kind.REFUSED),
    (
        400,
        refusal("Provided phone number is invalid call me", error="Error", code="INVALID_PHONE_NUMBER"),
        Kind.REFUSED,
    ),
    (400, refusal("Invalid string value 'deadlock detected' for email field \"emails.primaryEmail\""), Kind.REFUSED),
    (400, refusal('null value in column "stage" of relation "opportunity" violates not-null constraint'), Kind.REFUSED),
    (400, {"message": "Unexpected end of JSON input", "error": "Bad Request", "statusCode": 400}, Kind.REFUSED),
    (400, refusal("Connection terminated unexpectedly", error="Error"), Kind.FAULT),
    (400, refusal("deadlock detected", error="QueryFailedError"), Kind.FAULT),
]


@pytest.mark.parametrize(("status", "body", "kind"), BODIES)
def test_an_answer_is_classified_by_its_words(status: int, body: Any, kind: Kind) -> None:
    """A 400 can pass and a 500 can be for good: the text decides (twenty.md 6; law 4)."""
    assert words.kind(status, body) is kind


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"messages": ["a", "b"]}, "a; b"),
        ({"message": "a"}, "a"),
        ({"message": ["name should not be empty", "x"]}, "name should not be empty; x"),
        ("request entity too large", "request entity too large"),
        ({}, ""),
    ],
)
def test_the_words_of_every_form_of_error_body(body: Any, text: str) -> None:
    """`messages` or `message`, an array or a text, or a bare string (twenty.md 6)."""
    assert words.of(body) == text


def test_the_limit_is_read_from_the_answer() -> None:
    """The 429 says how many calls in how many milliseconds; there is no Retry-After (twenty.md 5)."""
    assert words.limit(refusal("Limit reached (50 tokens per 60000 ms)")) == (50, 60000)
    assert words.limit(refusal("slow down")) is None


def test_the_batch_size_is_read_from_the_answer() -> None:
    """Servers before 1.6 take 60 records and say so (twenty.md 1.4)."""
    assert words.most_records("Maximum number of records to upsert is 60.") == 60
    assert words.most_records("A duplicate entry was detected") is None


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (403, {"statusCode": 403, "messages": ["Missing authentication token"], "error": "FORBIDDEN_EXCEPTION"}, True),
        (401, {"statusCode": 401, "messages": ["Token invalid."], "error": "UNAUTHENTICATED"}, True),
        (400, refusal("Entity performing the request does not have permission", code="PERMISSION_DENIED"), True),
        (403, refusal("Cannot delete standard field", 403, code="FIELD_MUTATION_NOT_ALLOWED"), False),
        (400, refusal("A duplicate entry was detected"), False),
    ],
)
def test_a_refused_key_is_told_from_a_refused_request(status: int, body: Any, refused: bool) -> None:
    """Core REST answers 400 PERMISSION_DENIED where metadata answers 403 (twenty.md 6)."""
    assert words.key_refused(status, body) is refused


def test_a_taken_field_name_is_seen() -> None:
    """NOT_AVAILABLE means the field exists: read it again (twenty.md 3.3)."""
    body = {"errors": {"fieldMetadata": [{"status": "fail", "errors": [{"code": "NOT_AVAILABLE"}]}], "viewField": []}}
    assert words.metadata_codes(body) == {"NOT_AVAILABLE"}
    assert words.metadata_codes({"message": ["x"]}) == frozenset()


CAPTURES = Path(__file__).parents[4] / Path("shared/reference/twenty/captures")


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the recorded exchanges are not on this machine")
def test_every_recorded_refusal_of_a_record_is_permanent_or_known() -> None:
    """No recorded 4xx to a record write is taken for a passing fault; the only 500s are the two permanent ones."""
    seen = 0
    for file in sorted(CAPTURES.glob("*.json")):
        for entry in json.loads(file.read_text()):
            request, answer = entry.get("request", {}), entry.get("response", {})
            path = request.get("path", "")
            if not path.startswith("/rest/") or "metadata" in path or answer.get("status", 0) < 400:
                continue
            seen += 1
            assert words.kind(answer["status"], answer["body"]) is not Kind.FAULT, entry["label"]
    assert seen > 50
