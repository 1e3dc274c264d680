"""A web address in a text column → Twenty's LINKS (`twenty.md` 1.9), written as Twenty will store it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import idna

from streams.transform import text
from streams.transform.converted import Converted, Given

UNUSABLE = "unusable"
_SCHEME = re.compile(r"(https?)://", re.IGNORECASE)
_PARTS = re.compile(r"([^/?#]+)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.){{1,10}}(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{1,59}})")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_DEFAULT_PORT = {"http": "80", "https": "443"}
# Characters a URL parser leaves as they are; others than these and letters of the world are not sent.
_PATH = "%!$&'()*+,;=:@/-._~|[]"
_QUERY = "%!$&()*+,;=:@/?-._~|[]"  # a parser writes ' in a query as %27
_FRAGMENT = _QUERY + "'"
_FORBIDDEN = re.compile(r'[\x00-\x20\x7f-\xa0"<>\\^`{}\ufeff\ufffd]|\s')
_DOT_SEGMENT = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)


@lru_cache(maxsize=65_536)
def normalise(raw: str) -> str | None:
    """`raw` with a scheme (https when it has none), host in lower case and punycode, without trailing slashes, letters
    outside ASCII percent-encoded; path, query and fragment keep their case. None when Twenty would refuse or change it.

    Twenty adds no scheme, and `example.com` and `https://example.com` would be two values of a unique field, so every
    address is sent with one (`twenty.md` 11.5). Addresses with credentials, an IP or no dot stay text.
    """
    rest = raw.strip()
    if not rest or _FORBIDDEN.search(rest):
        return None
    scheme = "https"
    if matched := _SCHEME.match(rest):
        scheme, rest = matched[1].lower(), rest[matched.end() :]
    parts = _PARTS.fullmatch(rest)
    if parts is None:
        return None
    authority = _authority(parts[1], scheme)
    path = parts[2]
    if authority is None or any(_DOT_SEGMENT.fullmatch(segment) for segment in path.split("/")):
        return None
    return f"{scheme}://{authority}{_tail(path, parts[3] or '', parts[4] or '')}"


def _tail(path: str, query: str, fragment: str) -> str:
    """What follows the host. Twenty drops one slash at the very end, then again when it is sent back: here all go,
    and a query or fragment that holds nothing else goes with them."""
    fragment = fragment.rstrip("/")
    query = query if fragment else query.rstrip("/")
    if not query and not fragment:
        return quote(path.rstrip("/"), safe=_PATH)
    tail = quote(path, safe=_PATH) or "/"
    tail += f"?{quote(query, safe=_QUERY)}" if query else ""
    return tail + (f"#{quote(fragment, safe=_FRAGMENT)}" if fragment else "")


def _authority(raw: str, scheme: str) -> str | None:
    """`host[:port]` as a URL parser writes it, or None."""
    host, colon, port = raw.partition(":")
    if colon and not (_PORT.fullmatch(port) and int(port) < 65_536):
        return None
    name = _host(host)
    if name is None:
        return None
    return name if not port or port == _DEFAULT_PORT[scheme] else f"{name}:{port}"


def _host(raw: str) -> str | None:
    host = raw.lower()
    if not host.isascii() or "xn--" in host:
        try:
            host = idna.encode(host, uts46=True).decode()
        except (idna.IDNAError, UnicodeError, ValueError):
            return None
    return host if len(host) <= 253 and _HOST.fullmatch(host) else None


def link(given: Given) -> Converted:
    """One column → LINKS with a primary address; text that is no address goes to `leftover`, flagged."""
    raw, flags = text.cleaned(given.value)
    if not raw.strip():
        return Converted(value=_shape(""), flags=flags, unclaimed=_shape(""))
    url = normalise(raw)
    if url is None:
        return Converted(value=_shape(""), flags=(*flags, UNUSABLE), leftover=(raw,), unclaimed=_shape(""))
    return Converted(value=_shape(url), flags=flags, claim=url, unclaimed=_shape(""))


def _shape(url: str) -> dict[str, Any]:
    """Always the whole value (`twenty.md` 0.8). A loser goes to text, not to `secondaryLinks`: Twenty makes the first
    secondary link the primary one when there is none."""
    return {"primaryLinkUrl": url, "primaryLinkLabel": "", "secondaryLinks": []}
