"""Request bodies as Express reads them, and answers as it prints them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import orjson

from sandbox.twenty.errors import TwentyError, plain, unsupported
from sandbox.twenty.scalars import js_number

MAX_JSON = 10 * 1024 * 1024
MAX_TEXT = 1024 * 1024
_SAFE_INTEGER = 2**53


def read(raw: bytes, content_type: str) -> Any:
    """The body: JSON, form fields, or text; {} when there is none. Raises 400 for malformed JSON, 500 for too much."""
    kind = content_type.partition(";")[0].strip().lower()
    if len(raw) > (MAX_TEXT if kind == "text/plain" else MAX_JSON):
        raise TwentyError(500, "request entity too large")
    if not raw:
        return {}
    if kind == "application/json":
        return _json(raw.decode("utf-8", "replace"))
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    if kind == "text/plain":
        return raw.decode("utf-8", "replace")
    raise unsupported(f"a body of type {kind or 'unknown'}")


def _json(text: str) -> Any:
    try:
        found = json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise unsupported("JSON nested this deep") from error
    except ValueError as error:
        raise plain(400, _syntax_text(text, error), "Bad Request") from error
    if not isinstance(found, dict | list):
        raise unsupported("a JSON body that is neither object nor array")
    return _without_lone_surrogates(found) if "\\ud" in text or "\\uD" in text else found


def _syntax_text(text: str, error: ValueError) -> str:
    """V8's words at the end of the text are recorded; elsewhere only their form."""
    place = error.pos if isinstance(error, json.JSONDecodeError) else 0
    if place >= len(text.rstrip()) or (place and text[place] == '"' and "Unterminated" in str(error)):
        return "Unexpected end of JSON input"
    return f"Unexpected token {text[place]} in JSON at position {place}"


def _integer(text: str) -> int | float:
    number = int(text)
    return number if abs(number) <= _SAFE_INTEGER else _float(text)


def _float(text: str) -> int | float:
    return js_number(float(text))


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _without_lone_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_without_lone_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_lone_surrogates(key): _without_lone_surrogates(item) for key, item in value.items()}
    return value


def write(body: Any) -> bytes:
    """JSON bytes; integers beyond 64 bits as JavaScript prints them."""
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
