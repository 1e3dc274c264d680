"""Laws of plain text in markdown (S0-29): whatever somebody typed, a renderer shows the same text and no markup."""

from __future__ import annotations

import json
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from sandbox.twenty import richtext
from streams.transform import markdown, titles
from streams.transform.converted import Given

#: The judges: CommonMark with HTML, and GFM's tables and strikethrough on top; neither was written for us.
JUDGES = (MarkdownIt("commonmark", {"html": True}), MarkdownIt("gfm-like", {"html": True, "linkify": False}))
MARKS = "\\`*_{}[]()<>#+-.!|~&=:;\"'$^@/?%,0123456789 \t\n\nabcWw"
#: Renderers strip the other control characters at the ends of lines, or turn them into U+FFFD.
ANY_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), max_size=60)
TYPED = st.text(st.sampled_from(MARKS), max_size=60)
CONSTRUCTS = (
    ("# ", "- ", "1. ", "2) ", "> ", "+ ", "- [ ] ", "```\n", "~~~", "---", "===", "***", "    code", "\tcode"),
    ("| a | b |\n", "|-|-|\n", ":-|:-\n", "[x](y)", "![x](y)", "[x]: /u\n", "[^1]", "**b**", "__b__", "~~s~~", "`c`"),
    ("<b>", "</b>", "<!-- x -->", "<https://x.example>", "&amp;", "&#35;", "\\", "\\\n", "  \n", "$x$"),
    ("https://x.example/a_b_", "www.x.example/_a_", "ada_l@x.example", "word", "\u00a0", "שלום", "🚀"),
    ("\n", "\n\n", "\n\n\n", " ", "\r\n"),
)
PIECES = st.lists(st.sampled_from([piece for row in CONSTRUCTS for piece in row]), max_size=12).map("".join)


def _shown(tokens: list[Token]) -> str:
    """The text of a rendering: paragraphs parted by a blank line, breaks as newlines; any other block is a fault."""
    paragraphs = []
    for token in tokens:
        assert token.type in ("paragraph_open", "inline", "paragraph_close"), token.type
        for part in token.children or ():
            assert part.type in ("text", "text_special", "hardbreak"), part.type
        if token.type == "inline":
            paragraphs.append("".join("\n" if p.type == "hardbreak" else p.content for p in token.children or ()))
    return "\n\n".join(paragraphs)


def _plain(text: str) -> str:
    text = re.sub(r"\r\n?", "\n", text)
    return text.strip("\n") if text.strip() else ""


@settings(max_examples=1500, deadline=None)
@given(TYPED | PIECES | ANY_TEXT)
@example("a\n\n\n\nb\n \n\tc ")
@example("x\\\n\\\\\ny\\")
@example("1\\. 1. 1) 12345678901. x\n-\n+\n=\n#")
@example("\u2003wide blanks\u2003\n\u3000x\u00a0")
@example("A\n:-")
def test_the_renderer_shows_what_was_typed(text: str) -> None:
    """S0-29: newlines and unicode are kept, markup is not interpreted, for CommonMark and for GFM."""
    for judge in JUDGES:
        assert _shown(judge.parse(markdown.escape(text))) == _plain(text)


@settings(max_examples=300, deadline=None)
@given(PIECES | TYPED)
def test_the_stand_in_of_twenty_shows_it_too(text: str) -> None:
    """The blocks that the stand-in derives, which was written without us, are paragraphs of plain text."""
    blocks = json.loads(richtext.to_blocks(markdown.escape(text)))
    assert {block["type"] for block in blocks} <= {"paragraph"}
    parts = [part for block in blocks for part in block["content"]]
    assert [part for part in parts if part["type"] != "text" or part["styles"]] == []
    letters = "".join(part["text"] for part in parts)
    assert "".join(letters.split()) == "".join(_plain(text).split())


@settings(max_examples=500, deadline=None)
@given(ANY_TEXT | TYPED | st.text(st.sampled_from("a 👩\u200d🚀\u0301\u200b🏽"), max_size=300))
def test_a_title_is_bounded_never_empty_and_its_own_title(text: str) -> None:
    """S0-27, S0-30: one line of at most 120 code points, trimmed; a title made of a title is the same."""
    made = titles.title(Given(values=(text,), settings={"otherwise": "Note"})).value
    assert 0 < len(made) <= titles.LONGEST
    assert made == made.strip()
    assert len(made.splitlines()) == 1
    assert titles.title(Given(values=(made,), settings={"otherwise": "Note"})).value == made


def test_a_megabyte_is_read_once() -> None:
    """Issue 4: 1 MB notes. Long runs of one sign cost no more than as many letters (the slowest took minutes once)."""
    for text in ("a" + " " * 1_000_000 + "b", "\n" * 1_000_000 + "x", " \n" * 500_000 + "x", "#" * 1_000_000):
        assert len(markdown.escape(text)) > 0
