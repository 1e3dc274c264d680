"""JSON lines on standard error: `{"at", "level", "room", "action", …keys}`. Nothing personal, no secret (DESIGN law 8).

An exception is logged by type and place only, because its text may quote a row; the text of a LockgateError is ours.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

import orjson
import structlog

from schemas.errors import LockgateError

FRAMES = 12


def configure(program: str, *, level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send our logs, and the libraries' warnings, to the stream (standard error). Call once, in a program's main."""
    out = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.EventRenamer("action"),
            _exception,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(program=program)
    handler = logging.StreamHandler(out)
    handler.setFormatter(_LibraryFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def get(room: str) -> structlog.stdlib.BoundLogger:
    """The logger of a room: `log.info("claimed", object="company", key="17")`."""
    return cast("structlog.stdlib.BoundLogger", structlog.get_logger(room=room))


def describe(error: BaseException) -> dict[str, Any]:
    """What may be said of an exception: its type, code and text if ours, and where it happened, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    said: dict[str, Any] = {
        "type": type(error).__name__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    if isinstance(error, LockgateError):
        said |= {"code": error.code, "text": error.message()}
    return said


def _exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()[1]
    if isinstance(found, tuple):
        found = found[1]
    if isinstance(found, BaseException):
        event["error"] = describe(found)
    return event


def _render(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    return orjson.dumps(dict(event), default=str, option=orjson.OPT_SORT_KEYS).decode()


class _LibraryFormatter(logging.Formatter):
    """A library's warning as one JSON line; its traceback by type and place."""

    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "action": "library",
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1]:
            event["error"] = describe(record.exc_info[1])
        return orjson.dumps(event, default=str, option=orjson.OPT_SORT_KEYS).decode()
