"""Plain text that a markdown editor would read as something else, and text that is hard on its own (S0-47, S0-55)."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.atomic_crm.oddities import Oddity, put

#: name → text. Atomic CRM shows each as it is written.
TEXTS: Mapping[str, str] = {
    "heading": "# not a heading\n## nor this\nBudget #1",
    "stars": "2 * 3 * 4, *not italic*, **not bold**, a * alone",
    "underscores": "file_name_with_underscores, _not italic_, __init__",
    "html": "<b>not bold</b> <script>alert(1)</script> a < b && c > d &amp; &lt;",
    "pipes": "| a | b |\n|---|---|\n| 1 | 2 |",
    "url": "see https://news.example/a_b_(c)?x=1&y=*2*#top and www.example.org, mail ada@example.com",
    "links": "[not a link](https://example.org) ![no image](x.png) [1]: https://example.net",
    "lists": "- not a list\n* nor this\n+ nor that\n1. first\n2) second\n2026. was a good year",
    "quote": "> not a quote\n>> nor this",
    "code": "`not code` ```nor this```\n~~~\n    four spaces before",
    "rule": "above\n---\n***\n===\nbelow",
    "backslashes": "C:\\new\\table \\* \\# \\u0000 \\",
    "spaces": "   three before, two behind  \n\n\n\nfour lines down\t\ttabs",
    "crlf": "first line\r\nsecond line\rthird",
    "rtl": "اتصل بالعميل غدًا — שלום, 50% הנחה",
    "emoji": "👩‍👩‍👧‍👦 🇨🇭 ✔️ signed! 𝔘",
    "control": "bell\x07 escape\x1b[31m start\x01 delete\x7f line\u2028end",
    "task_list": "[ ] not a box\n- [x] nor this",
    "footnote": "x^2^, H~2~O, ~~not struck~~, $not math$, :not_emoji:, @nobody, ==no mark==",
}


def of(object_: str, table: str, *, share: float = 0.006) -> tuple[Oddity, ...]:
    """One oddity for each text, in that table's column `text`."""
    return tuple(
        Oddity(
            id=f"{object_}.text.{name}",
            table=table,
            place="text",
            where=f"t.text = {_literal(text)}",
            change=put(text=text),
            share=share,
        )
        for name, text in TEXTS.items()
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
