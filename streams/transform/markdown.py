"""Plain text → markdown that shows the same text (S0-29: markup is not interpreted, newlines and unicode are kept).

Twenty keeps `bodyV2.markdown` as sent and derives its blocks from it (`twenty.md` 1.9): a `#`, `1.` or `<b>` that
somebody typed would become a heading, a list or a tag, and single newlines would run together.
"""

from __future__ import annotations

import re

from streams.transform import text
from streams.transform.converted import Converted, Given

_NEWLINE = re.compile(r"\r\n?")
# Marks of CommonMark and of GFM's tables, strikethrough and footnotes; and what makes an address a link, since an
# escaped "_" inside a link would become a part of it.
_MARKS = re.compile(r"[\\`*_\[\]<>&~|$]|:(?=//)|(?<=[wW]{3})\.|@")
# At the beginning of a line: headings, lists, quotes, rules, underlines, table rulers; `1.` and `1)`.
_OPENING = re.compile(r"^([^\S\n]*)(?:([#+=:-])|(\d{1,9})([.)]))", re.MULTILINE)
# Possessive, and only from the beginning of a run on: a megabyte of blanks is read once.
_EDGES = re.compile(r"^[^\S\n]++|(?<![^\S\n])[^\S\n]++$", re.MULTILINE)
_BREAKS = re.compile(r"\n+")


def escape(plain: str) -> str:
    """Markdown of `plain`. One newline is a hard break, a blank line a new paragraph, further ones are hard breaks at
    its beginning; blanks at the ends of lines are written as numbers. Blank lines at both ends are dropped."""
    content = _NEWLINE.sub("\n", plain) if "\r" in plain else plain
    if not content.strip():
        return ""
    content = _MARKS.sub(r"\\\g<0>", content.strip("\n"))
    content = _OPENING.sub(_opening, content)
    content = _EDGES.sub(_numbers, content)
    return _BREAKS.sub(_breaks, content)


def _opening(found: re.Match[str]) -> str:
    blanks, mark, number, end = found.groups()
    return f"{blanks}\\{mark}" if mark else f"{blanks}{number}\\{end}"


def _numbers(found: re.Match[str]) -> str:
    return "".join(f"&#{ord(char)};" for char in found[0])


def _breaks(found: re.Match[str]) -> str:
    count = len(found[0])
    return "\\\n" if count == 1 else "\n\n" + "\\\n" * (count - 2)


def rich_text(given: Given) -> Converted:
    """One column of plain text → RICH_TEXT; null → no text."""
    content, flags = text.cleaned(given.value)
    return Converted(value={"markdown": escape(content)}, flags=flags)
