"""What Twenty's error answers mean, by their text: its status codes alone do not tell (`twenty.md` 6). Pure.

Evidence: the captures of Twenty 2.21.0 in the reference; each pattern stands in tests/unit/sinks with its body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What an error answer to a write means, whatever the size of the batch."""

    LIMITED = "limited"  #: rate limit; the token is taken before anything is applied (5)
    DUPLICATE = "duplicate"  #: an id or unique value is in use, soft-deleted rows included (1.2)
    PARENT = "parent"  #: a foreign key or connect points to nothing (1.6, 1.9)
    MISSING = "missing"  #: no row under that id (1.5)
    TOO_MANY = "too_many"  #: more records than the server takes in one call; checked before anything (1.4)
    TOO_LARGE = "too_large"  #: refused by the body parser, nothing was applied (5)
    REFUSED = "refused"  #: the value will never be taken
    FAULT = "fault"  #: the server or its database failed; what was applied is not known


_LIMIT = re.compile(r"Limit reached \((\d+) tokens per (\d+) ms\)")
_MAXIMUM = re.compile(r"^Maximum number of records to upsert is (\d+)")
_PARENT = re.compile(
    r"^insert or update on table .* violates foreign key constraint|^Expected 1 record to connect to \w+, but found 0"
)
#: Unknown exceptions come back as 400 with their raw text (6). These are PostgreSQL's, its driver's and redis' words
#: for trouble that passes; anchored, because refusals quote the sender's values in the middle.
_PASSING = re.compile(
    r"^(Connection terminated|Connection is closed|Client has encountered a connection error|Query read timeout"
    r"|timeout exceeded when trying to connect|timeout expired|(connect|read|write) E[A-Z]+|getaddrinfo E"
    r"|Socket closed unexpectedly|deadlock detected|could not serialize access|canceling statement"
    r"|terminating connection|sorry, too many clients|remaining connection slots|the database system is"
    r"|cannot execute \w+ in a read-only transaction|too many connections|Internal server error)",
    re.IGNORECASE,
)


def of(body: Any) -> str:
    """The text of an error body: `messages` (array), `message` (string or array), or a bare string (6)."""
    if isinstance(body, str):
        return body
    if not isinstance(body, Mapping):
        return str(body)
    said = body.get("messages", body.get("message", ""))
    return "; ".join(str(line) for line in said) if isinstance(said, list) else str(said)


def code(body: Any) -> str:
    """The machine code some 400s carry: INVALID_URL, PERMISSION_DENIED and so on, else an empty text."""
    return str(body.get("code", "")) if isinstance(body, Mapping) else ""


def kind(status: int, body: Any) -> Kind:
    """Classifies an error answer (status ≥ 400) to a write; the first rule that fits."""
    text = of(body)
    rules = (
        (Kind.LIMITED, status == 429 or _LIMIT.match(text)),
        (Kind.TOO_LARGE, status == 413 or text == "request entity too large"),
        (Kind.REFUSED, status >= 500 and text == "Data validation error."),
        (Kind.FAULT, status >= 500 or status == 408),
        (Kind.MISSING, status == 404),
        (Kind.DUPLICATE, text == "A duplicate entry was detected"),
        (Kind.TOO_MANY, _MAXIMUM.match(text) or code(body) == "TOO_MANY_RECORDS_TO_UPDATE"),
        (Kind.PARENT, _PARENT.match(text)),
        (Kind.FAULT, _PASSING.match(text)),
    )
    return next((found for found, fits in rules if fits), Kind.REFUSED)


def limit(body: Any) -> tuple[int, int] | None:
    """(calls, window in ms) in the words of a rate-limit answer, if it has them."""
    found = _LIMIT.match(of(body))
    return (int(found[1]), int(found[2])) if found else None


def most_records(body: Any) -> int | None:
    """The server's batch size in the words of a too-many answer."""
    found = _MAXIMUM.match(of(body))
    return int(found[1]) if found else None


def key_refused(status: int, body: Any) -> bool:
    """401 and 403, and core REST's 400 for a key whose role lacks a right (6)."""
    if code(body) == "FIELD_MUTATION_NOT_ALLOWED":  # metadata answers 403 for a standard field (3.3)
        return False
    return status in (401, 403) or (status == 400 and code(body) == "PERMISSION_DENIED")


def no_such_route(body: Any) -> bool:
    """Whether a 404 is the router's (`message`) or another server's; a missing record's has `messages` (6)."""
    return not (isinstance(body, Mapping) and "messages" in body)


def no_such_object(body: Any) -> bool:
    """`object 'x' not found` for a plural name the workspace does not have (1.1)."""
    return of(body).startswith("object '")


def unknown_field(body: Any) -> bool:
    """The answer about a field that the record API does not know, or not yet (3.2)."""
    return "doesn't have any" in of(body)


def metadata_codes(body: Any) -> frozenset[str]:
    """Codes inside a METADATA_VALIDATION_ERROR: NOT_AVAILABLE, INVALID_FIELD_INPUT (3.3)."""
    errors = body.get("errors", {}) if isinstance(body, Mapping) else {}
    failed = errors.get("fieldMetadata", []) if isinstance(errors, Mapping) else []
    return frozenset(str(e.get("code")) for one in failed for e in one.get("errors", []))


def metadata_why(body: Any) -> str:
    """The messages inside a METADATA_VALIDATION_ERROR, else what the answer says at all."""
    errors = body.get("errors", {}) if isinstance(body, Mapping) else {}
    failed = errors.get("fieldMetadata", []) if isinstance(errors, Mapping) else []
    told = [str(e.get("message")) for one in failed for e in one.get("errors", [])]
    return "; ".join(told) or of(body)
