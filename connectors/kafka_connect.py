"""One request to Kafka Connect's REST API: bounded, patient with rebalances, its failures in our words (LG-0207)."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import requests

from schemas.errors import LockgateError

TIMEOUT = (3.0, 15.0)  #: seconds to connect and to answer; validation logs in to the source
REBALANCE_SECONDS = 20.0  #: how long a 409 ("rebalance in process") is waited out


def call(method: str, connect_url: str, path: str, *, json: Any = None, missing: bool = False) -> Any:
    """The answer's JSON, {} if it has no body; None for 404 if `missing`. Everything else is LG-0207."""
    deadline = time.monotonic() + REBALANCE_SECONDS
    while True:
        answer = _send(method, connect_url, path, json)
        if answer.status_code == 409 and time.monotonic() < deadline:
            time.sleep(0.2)
        elif missing and answer.status_code == 404:
            return None
        elif answer.ok:
            return _read(answer, connect_url, path)
        else:
            found = f"{method} {safe(connect_url)}{path}: {answer.status_code} {_said(answer)}"
            raise LockgateError("LG-0207", found)


def short(text: str) -> str:
    """At most a dozen lines and 2,000 characters of what an outside system said."""
    return "\n".join(text.strip().splitlines()[:12])[:2000]


def safe(url: str) -> str:
    """The URL's scheme, host and port: never its credentials."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _send(method: str, connect_url: str, path: str, json: Any) -> requests.Response:
    try:
        return requests.request(method, connect_url.rstrip("/") + path, json=json, timeout=TIMEOUT)
    except requests.RequestException as problem:
        # The exception's own text repeats the URL, which may carry a password.
        raise LockgateError("LG-0207", f"{safe(connect_url)}: {type(problem).__name__}") from None


def _read(answer: requests.Response, connect_url: str, path: str) -> Any:
    if not answer.content:
        return {}
    try:
        return answer.json()
    except requests.JSONDecodeError:
        raise LockgateError(
            "LG-0207", f"{safe(connect_url)}{path} answers, but not JSON: is it Kafka Connect?"
        ) from None


def _said(answer: requests.Response) -> str:
    try:
        return short(str(answer.json()["message"]))
    except (requests.JSONDecodeError, TypeError, KeyError):
        return short(answer.text)
