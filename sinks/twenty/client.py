"""One HTTP call to Twenty: an answer, or why there is none. Never logs or raises with the key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpcore
import httpx
import orjson

from schemas.errors import LockgateError
from sinks.twenty import wire, words
from sinks.twenty.settings import Settings

#: JSON bodies above are refused by the server before it reads them (`twenty.md` 5: 10 MB, body parser).
MAX_REQUEST = 10 * 1024 * 1024
#: An answer echoes its rows and may derive a second form of each text; above this something is wrong.
MAX_ANSWER = 128 * 1024 * 1024
_SHORTEST_KEY = 16
#: Statuses of a reverse proxy that are about this call, not about a wrong address: timeout, too large, too many.
_PROXIES_SAY = (408, 413, 429)
_SAFE_IN_QUERY = ":,()._-~"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The server's answer, parsed."""

    status: int
    body: Any  #: parsed JSON, or the text when it is not JSON
    is_json: bool
    retry_after_s: float | None = None

    def words(self) -> str:
        """The server's own words about an error."""
        return words.of(self.body)


@dataclass(frozen=True, kw_only=True)
class NotSent:
    """No byte of the request left: refused, no such host, TLS, or the time was over before."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Lost:
    """The request may have left and no whole answer came: a write may have been applied."""

    reason: str


Outcome = Reply | NotSent | Lost


class Client:
    """Calls with the key, one deadline each, TLS verified. May be shared by threads."""

    def __init__(self, settings: Settings) -> None:
        """Opens nothing. Raises LG-0502 for a key that cannot be sent in a header."""
        key = settings.key.get_secret_value().strip()
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise LockgateError("LG-0502", "The key is empty or holds characters that no key has.")
        self._key = key
        self._base = settings.url
        self._timeout_s = settings.timeout_s
        self._transport = wire.Transport()

    def close(self) -> None:
        """Closes idle connections."""
        self._transport.close()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Outcome:
        """A read: the same twice is one effect."""
        return self.call("GET", path, query=query)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        before_send: Callable[[], None] | None = None,
    ) -> Outcome:
        """One call of `path` (below the base address), within `timeout_s` all told.

        `before_send` runs after the pool, connection and TLS, right before the first byte is handed to the socket; what
        it raises is raised here and nothing was sent. What remains: after it returns the kernel may still hold the
        bytes for as long as the peer does not take them, at most `timeout_s`, which is why that stays below the lease.
        Raises LG-0502 for a refused key, LG-0501 for an answer that cannot be Twenty's."""
        request = self._request(method, path, query, body)
        call = wire.Call(self._timeout_s, before_send)
        try:
            with self._transport.during(call):
                return self._answer(self._transport.handle_request(request), call, path)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.RemoteProtocolError) as error:
            reason = self._clean(f"{type(error).__name__}: {error}".removesuffix(": "))
            return Lost(reason=reason) if call.sent else NotSent(reason=reason)

    def _request(self, method: str, path: str, query: Mapping[str, str] | None, body: bytes | None) -> httpx.Request:
        asked = "&".join(f"{name}={quote(value, safe=_SAFE_IN_QUERY)}" for name, value in (query or {}).items())
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json", "User-Agent": "lockgate"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        url = f"{self._base}{path}" + (f"?{asked}" if asked else "")
        return httpx.Request(method, url, headers=headers, content=body)

    def _answer(self, response: httpx.Response, call: wire.Call, path: str) -> Outcome:
        try:
            text = bytearray()
            for chunk in response.iter_bytes():
                text += chunk
                if len(text) > MAX_ANSWER:
                    return Lost(reason=f"the answer is larger than {MAX_ANSWER} bytes")
                call.left(httpcore.ReadTimeout)
        except httpx.DecodingError as error:
            return Lost(reason=f"the answer could not be decoded: {error}")
        finally:
            response.close()
        said = text.decode("utf-8", "replace")
        reply = _parsed(response, self._clean(said) if response.status_code >= 300 else said)
        if reply is None:
            return Lost(reason=f"the answer to {path} is not JSON though it says so")
        self._refuse(reply, path, response)
        return reply

    def _refuse(self, reply: Reply, path: str, response: httpx.Response) -> None:
        if 300 <= reply.status < 400:
            there = httpx.URL(response.headers.get("location", "")).copy_with(query=None, userinfo=b"")
            raise LockgateError("LG-0501", f"{self._base} redirects to {there}: put the final address there.")
        if not reply.is_json and reply.status < 500 and reply.status not in _PROXIES_SAY:
            raise LockgateError(
                "LG-0501", f"{self._base}{path} answered {reply.status} with no JSON: not a Twenty API."
            )
        if reply.status == 404 and words.no_such_route(reply.body):
            raise LockgateError("LG-0501", f"{self._base} has no {path}: not the base address of a Twenty server.")
        if words.key_refused(reply.status, reply.body):
            raise LockgateError("LG-0502", f"It said {reply.status}: {reply.words()}")

    def _clean(self, text: str) -> str:
        """A server that echoes headers must not put the key into our messages. Only for error texts, never for rows;
        a word shorter than any real key (they are JWTs) stands for itself."""
        return text.replace(self._key, "[key]") if len(self._key) >= _SHORTEST_KEY else text


def _parsed(response: httpx.Response, text: str) -> Reply | None:
    said = response.headers.get("retry-after", "")
    wait = float(said) if said.isdigit() else None
    try:
        return Reply(status=response.status_code, body=orjson.loads(text), is_json=True, retry_after_s=wait)
    except orjson.JSONDecodeError:
        if response.status_code < 300 and "json" in response.headers.get("content-type", ""):
            return None
        return Reply(status=response.status_code, body=text[:500], is_json=False, retry_after_s=wait)
