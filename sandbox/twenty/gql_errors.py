"""Refusals as GraphQL words them; what no recording shows in GraphQL is passed on as 501."""

from __future__ import annotations

import re
from typing import Any

from sandbox.twenty.errors import TwentyError, unsupported

_DUPLICATE = "A duplicate entry was detected"
_CHECK = "Please check your data and try again."


def entry(error: TwentyError) -> dict[str, Any]:
    """One member of `errors`. Raises the error itself when it is a 501, and a 501 when its GraphQL form is unknown."""
    if error.status == 501:
        raise error
    body = error.body if isinstance(error.body, dict) else {}
    text = str((body.get("messages") or [""])[0])
    code = body.get("code")
    if error.status == 429:
        return _entry(text, "LIMIT_REACHED", "Rate limit reached. Please try again later.")
    if error.status == 404:
        friendly = "This record does not exist or has been deleted."
        return _entry(text, "RECORD_NOT_FOUND", friendly, code="NOT_FOUND")
    if text == _DUPLICATE:
        return _duplicate(error)
    if code == "TOO_MANY_RECORDS_TO_UPDATE" or text.startswith("Maximum number of records"):
        return _entry(text, "TOO_MANY_RECORDS_TO_UPDATE", text)
    if error.status == 400 and body.get("error") == "BadRequestException":
        return _entry(text, "INVALID_ARGS_DATA", _friendly(text))
    raise unsupported(f"the GraphQL form of: {text}")


def _entry(text: str, sub_code: str, friendly: str, code: str = "BAD_USER_INPUT") -> dict[str, Any]:
    return {"message": text, "extensions": {"subCode": sub_code, "userFriendlyMessage": friendly, "code": code}}


def _duplicate(error: TwentyError) -> dict[str, Any]:
    """Names the living row that holds a unique value; a clash of ids and a soft-deleted row are not named."""
    if error.conflict is None:
        extensions = {"userFriendlyMessage": f"This record already exists. {_CHECK}", "code": "BAD_USER_INPUT"}
        return {"message": _DUPLICATE, "extensions": extensions}
    extensions = {
        "userFriendlyMessage": f"This {error.conflict.label} value is already in use. {_CHECK}",
        "conflictingRecordId": error.conflict.row_id,
        "conflictingObjectNameSingular": error.conflict.object,
        "code": "BAD_USER_INPUT",
    }
    return {"message": _DUPLICATE, "extensions": extensions}


def _friendly(text: str) -> str:
    option = re.match(r'Invalid value ".*" for field "([^"]+)"\. Valid values are', text, re.DOTALL)
    if option:
        return f'Invalid value for field "{option[1]}"'
    value = re.match(r"Invalid string value (.*) for text field", text, re.DOTALL)
    return f'Invalid value: "{value[1]}"' if value else "An error occurred."
