"""LINKS values: the URL's origin is normalised, the rest kept; no scheme is added (`twenty.md` 1.9)."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, urlsplit

import idna

from sandbox.twenty.errors import coded, unsupported
from sandbox.twenty.scalars import bad_subfield, composite_value, object_value, text_value

_LABEL = r"[a-z0-9\u0080-\uffff](?:[a-z0-9\u0080-\uffff-]*[a-z0-9\u0080-\uffff])?"
_HOST = re.compile(rf"(?:localhost|(?:{_LABEL}\.)+{_LABEL})\.?(?::\d{{1,5}})?", re.IGNORECASE)
_KEEP = "%/:=&?~#+!$,;'@()*[]-._|{}^`\""


def links_value(value: Any, name: str) -> dict[str, Any] | None:
    """All three parts: a write of LINKS always sets the whole value."""
    given = composite_value(value, name)
    if given is None:
        return None
    for part, inner in given.items():
        if part in {"primaryLinkUrl", "primaryLinkLabel"}:
            text_value(inner, f"{name}.{part}")
        elif part == "secondaryLinks":
            object_value(inner, f"{name}.{part}")
        else:
            raise bad_subfield(part, "links", name)
    secondary = given.get("secondaryLinks")
    if isinstance(secondary, str):
        secondary = json.loads(secondary)
    links = [{"url": given.get("primaryLinkUrl"), "label": given.get("primaryLinkLabel")}, *(secondary or [])]
    kept = [_link(link) for link in links if link is not None and (not isinstance(link, dict) or link.get("url"))]
    if not kept:
        return {"primaryLinkLabel": "", "primaryLinkUrl": "", "secondaryLinks": []}
    first, *others = kept
    return {"primaryLinkLabel": first["label"] or "", "primaryLinkUrl": first["url"], "secondaryLinks": others}


def _link(link: Any) -> dict[str, Any]:
    if not isinstance(link, dict) or not isinstance(link["url"], str):
        raise unsupported("a link that is not an object with a url of text")
    return {"url": normal_url(link["url"]), "label": link.get("label")}


def normal_url(raw: str) -> str:
    """Lower-case origin in punycode, no trailing slash; a text without scheme stays as it is. Raises INVALID_URL."""
    text = raw.strip()
    if text.lower().startswith("mailto:") and re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@]+", text[7:]):
        return "null" + text[7:]
    scheme = re.match(r"(https?)://", text, re.IGNORECASE)
    rest = text[scheme.end() :] if scheme else text
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not _HOST.fullmatch(authority.rsplit("@", 1)[-1]) or re.search(r"\s", authority):
        raise coded("The URL of the link is not valid", "INVALID_URL")
    return _absolute(text, scheme.group(1).lower()) if scheme else raw


def _absolute(text: str, scheme: str) -> str:
    parts = urlsplit(text)
    host = parts.hostname or ""
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise coded("The URL of the link is not valid", "INVALID_URL") from error
    port = parts.port if parts.port not in (None, {"http": 80, "https": 443}[scheme]) else None
    origin = f"{scheme}://{host}" + (f":{port}" if port else "")
    tail = quote(parts.path or "/", safe=_KEEP)
    tail += f"?{quote(parts.query, safe=_KEEP)}" if parts.query else ""
    tail += f"#{quote(parts.fragment, safe=_KEEP)}" if parts.fragment else ""
    return (origin + tail).removesuffix("/")
