"""RICH_TEXT: markdown as sent, and the editor blocks that the server derives from it (recordings 08 and 10).

Markdown becomes HTML and HTML becomes blocks, as on the server, so HTML in markdown is read as HTML. Block types of
which no recording shows the shape are refused, not guessed."""

from __future__ import annotations

import functools
import json
import re
import uuid
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from markdown_it import MarkdownIt

from sandbox.twenty.errors import bad_request, unsupported

Block = dict[str, Any]

_STYLES = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "code": "code", "s": "strike", "del": "strike"}
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3}
_UNSEEN = frozenset({"script", "style"})
_TRANSPARENT = frozenset({"ul", "div", "span", "html", "body"})
_PROPS = {"backgroundColor": "default", "textColor": "default", "textAlignment": "left"}
#: Text in which CommonMark sees nothing but paragraphs: no character that could start a construct.
_PLAIN = re.compile(r"[^\\`*_{}\[\]<>#+\-=~|&!\n\t]*")


@functools.cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def to_blocks(markdown: str) -> str:
    """The blocks of a markdown text as JSON; every block has an id that no other has."""
    if _PLAIN.fullmatch(markdown) and not re.match(r"\s|\d+[.)]", markdown):
        blocks = [_block("paragraph", _PROPS, [_text(re.sub(" +", " ", markdown).rstrip(" "), {})])]
    else:
        reader = _Reader()
        reader.feed(_markdown().render(markdown))
        reader.close()
        blocks = reader.finished()
    return json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))


def to_markdown(text: str, name: str) -> tuple[str, str]:
    """The blocks as stored and the markdown of them; only plain paragraphs are recorded."""
    try:
        blocks = json.loads(text)
    except ValueError as error:
        raise bad_request(f'Invalid blocknote value for field "{name}" - must contain valid JSON') from error
    stored = json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))
    if not isinstance(blocks, list) or len(blocks) != 1 or blocks[0].get("type") != "paragraph":
        raise unsupported("blocknote other than one paragraph")
    parts = blocks[0].get("content", [])
    if any(part.get("type") != "text" or part.get("styles") for part in parts):
        raise unsupported("blocknote with styles or links")
    return stored, "".join(part["text"] for part in parts) + "\n"


def _block(kind: str, props: dict[str, Any], content: list[Block]) -> Block:
    return {"id": str(uuid.uuid4()), "type": kind, "props": dict(props), "content": content, "children": []}


def _text(text: str, styles: dict[str, bool]) -> Block:
    return {"type": "text", "text": text, "styles": styles}


@dataclass
class _Open:
    """A block that is being read."""

    kind: str
    props: dict[str, Any]
    content: list[Block] = field(default_factory=list)


class _Reader(HTMLParser):
    """HTML as a flat list of blocks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.open: _Open | None = None
        self.styles: list[str] = []
        self.link: Block | None = None
        self.unseen = 0
        self.items = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self.unseen += 1
        elif tag in _HEADINGS:
            self._begin("heading", {**_PROPS, "level": _HEADINGS[tag], "isToggleable": False})
        elif tag == "li":
            if self.items:
                raise unsupported("a list inside a list in markdown")
            self.items += 1
            self._begin("bulletListItem", _PROPS)
        elif tag == "p":
            if not self.items:
                self._begin("paragraph", _PROPS)
        elif tag == "br":
            self._write("\n")
        elif tag in _STYLES:
            self.styles.append(_STYLES[tag])
        elif tag == "a":
            self.link = {"type": "link", "href": dict(attrs).get("href") or "", "content": []}
        elif tag not in _TRANSPARENT:
            raise unsupported(f"<{tag}> in markdown")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self.unseen = max(0, self.unseen - 1)
        elif tag == "li":
            self.items = max(0, self.items - 1)
            self._end()
        elif tag in _HEADINGS or (tag == "p" and not self.items):
            self._end()
        elif tag in _STYLES and _STYLES[tag] in self.styles:
            self.styles.remove(_STYLES[tag])
        elif tag == "a" and self.link is not None:
            link, self.link = self.link, None
            self._content().append(link)

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self._write(re.sub(r"[ \t\r\n]+", " ", data))

    def finished(self) -> list[Block]:
        self._end()
        return self.blocks

    def _begin(self, kind: str, props: dict[str, Any]) -> None:
        self._end()
        self.open = _Open(kind, props)

    def _content(self) -> list[Block]:
        if self.open is None:
            self.open = _Open("paragraph", _PROPS)
        return self.open.content

    def _write(self, text: str) -> None:
        if self.open is None and not text.strip():
            return
        content = self._content() if self.link is None else self.link["content"]
        styles = dict.fromkeys(self.styles, True)
        before = content[-1] if content else None
        if before is None or (before["type"] == "text" and before["text"].endswith("\n") and text != "\n"):
            text = text.lstrip(" ") if before is None or text != "\n" else text
        if not text:
            return
        if before is not None and before["type"] == "text" and before["styles"] == styles:
            before["text"] += text
        else:
            content.append(_text(text, styles))

    def _end(self) -> None:
        if self.open is None:
            return
        content = self.open.content
        while content and content[-1]["type"] == "text":
            content[-1]["text"] = content[-1]["text"].rstrip(" ")
            if content[-1]["text"]:
                break
            content.pop()
        self.blocks.append(_block(self.open.kind, self.open.props, content))
        self.open = None
