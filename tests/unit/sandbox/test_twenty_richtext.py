"""Blocks that the Twenty stand-in derives from markdown, and markdown from blocks (`twenty.md` 1.9)."""

from __future__ import annotations

import json
import time

import pytest

from sandbox.twenty import richtext
from sandbox.twenty.errors import TwentyError


def plain(markdown: str) -> str:
    """The text an editor shows: blocks on lines of their own."""
    blocks = json.loads(richtext.to_blocks(markdown))
    lines = []
    for block in blocks:
        parts = [part for one in block["content"] for part in (one["content"] if one["type"] == "link" else [one])]
        lines.append("".join(part["text"] for part in parts))
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("one line", "one line"),
        ("one\ntwo", "one two"),
        ("one   two  ", "one two"),
        ("*one*   two", "one two"),
        ("one\n\ntwo", "one\ntwo"),
        ("one\\\ntwo", "one\ntwo"),
        ("one  \ntwo", "one\ntwo"),
        ("1\\. \\*not\\* a \\# list \\> or quote", "1. *not* a # list > or quote"),
        ("a &amp; b &lt;c&gt;", "a & b <c>"),
        ("# head\n\n- a\n- b", "head\na\nb"),
        ("<p>hello <b>x</b></p><script>1</script>", "hello x"),
        ("שלום עולם", "שלום עולם"),
    ],
)
def test_text_of_the_blocks(markdown: str, shown: str) -> None:
    """Lines join, breaks and paragraphs stay, escapes vanish, scripts are dropped."""
    assert plain(markdown) == shown


def test_styles_and_links() -> None:
    """Inline marks become styles; a link keeps its address."""
    (block,) = json.loads(richtext.to_blocks("**b** *i* `c` [l](https://x.example)"))
    styles = [part["styles"] for part in block["content"] if part["type"] == "text" and part["text"].strip()]
    assert styles == [{"bold": True}, {"italic": True}, {"code": True}]
    assert block["content"][-1]["href"] == "https://x.example"


@pytest.mark.parametrize("markdown", ["> q", "```\nc\n```", "1. one", "| a |\n|---|\n| b |", "![i](u)", "---"])
def test_blocks_without_a_recording_are_refused(markdown: str) -> None:
    """501 instead of a guess (S0-53)."""
    with pytest.raises(TwentyError) as refused:
        richtext.to_blocks(markdown)
    assert refused.value.status == 501


def test_ids_differ_on_each_write() -> None:
    """Block ids are random: compare markdown, never blocks."""
    assert richtext.to_blocks("a") != richtext.to_blocks("a")


def test_a_megabyte_takes_linear_time() -> None:
    """A note of 1 MB is a matter of seconds (the server took 1.9 s)."""
    part = "Call \\*me\\* about the deal.\\\nLine two.\n\n"
    began = time.process_time()
    richtext.to_blocks(part * (1_000_000 // len(part)))
    assert time.process_time() - began < 15


def test_markdown_of_a_paragraph() -> None:
    """Blocks are stored compact, their markdown ends in a line break (recording 08)."""
    sent = '[{"type": "paragraph", "content": [{"type": "text", "text": "hi", "styles": {}}]}]'
    stored, markdown = richtext.to_markdown(sent, "bodyV2.blocknote")
    assert (json.loads(stored), markdown) == (json.loads(sent), "hi\n")
    assert " " not in stored
