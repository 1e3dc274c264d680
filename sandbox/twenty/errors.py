"""Every refusal of the stand-in, in the words and shapes recorded from Twenty 2.21 (`twenty.md` 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """The living row that holds a unique value; only GraphQL tells."""

    label: str  #: of the field
    row_id: str
    object: str


class TwentyError(Exception):
    """A refusal: HTTP status and JSON body, ready to be sent."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.conflict: Conflict | None = None


def bad_request(text: str, error: str = "BadRequestException") -> TwentyError:
    """400 of a validation: unknown field, bad value, foreign key, duplicate."""
    return TwentyError(400, {"statusCode": 400, "error": error, "messages": [text]})


def coded(text: str, code: str, status: int = 400) -> TwentyError:
    """A refusal with a code of its own (INVALID_URL, PERMISSION_DENIED …)."""
    return TwentyError(status, {"statusCode": status, "error": "Error", "messages": [text], "code": code})


def duplicate(conflict: Conflict | None = None) -> TwentyError:
    """A unique index was hit; REST never says which."""
    error = bad_request("A duplicate entry was detected")
    error.conflict = conflict
    return error


def not_found() -> TwentyError:
    """No such record, or it is soft-deleted and the filter did not name deletedAt."""
    return TwentyError(404, {"statusCode": 404, "error": "NotFoundException", "messages": ["Record not found"]})


def data_error() -> TwentyError:
    """What PostgreSQL refuses to store, such as a NUL character: permanent although it is a 500."""
    return TwentyError(
        500, {"statusCode": 500, "error": "InternalServerErrorException", "messages": ["Data validation error."]}
    )


def forbidden(text: str) -> TwentyError:
    """403 of the guard: no token, or a revoked key."""
    return TwentyError(403, {"statusCode": 403, "messages": [text], "error": "FORBIDDEN_EXCEPTION"})


def unauthenticated(text: str) -> TwentyError:
    """401 of the guard: a token that is not valid or no longer so."""
    return TwentyError(401, {"statusCode": 401, "messages": [text], "error": "UNAUTHENTICATED"})


def limited(limit: int, window_ms: int) -> TwentyError:
    """429; no Retry-After and no X-RateLimit header comes with it."""
    text = f"Limit reached ({limit} tokens per {window_ms} ms)"
    return TwentyError(429, {"statusCode": 429, "error": "HttpException", "messages": [text]})


def plain(status: int, message: str | list[str], error: str) -> TwentyError:
    """The framework's own errors: `message`, not `messages`."""
    return TwentyError(status, {"message": message, "error": error, "statusCode": status})


def unsupported(capability: str) -> TwentyError:
    """501: the real server may well answer this; no recording shows how, so the stand-in does not guess."""
    text = f"The sandbox does not have: {capability}"
    return TwentyError(
        501, {"statusCode": 501, "error": "SandboxUnsupported", "messages": [text], "capability": capability}
    )
