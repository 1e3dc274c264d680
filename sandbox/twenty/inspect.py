"""How Node prints a value inside an error text (`util.inspect`), as far as the recordings show it."""

from __future__ import annotations

from typing import Any


def inspect(value: Any) -> str:
    """`'text'`, `12`, `null`, `[ 'a' ]`, `{ a: 1 }`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        quote = "'" if "'" not in value else '"' if '"' not in value else "`"
        return quote + value.replace("\\", "\\\\").replace("\n", "\\n") + quote
    if isinstance(value, list):
        return f"[ {', '.join(inspect(item) for item in value)} ]" if value else "[]"
    if isinstance(value, dict):
        inside = ", ".join(f"{key}: {inspect(item)}" for key, item in value.items())
        return f"{{ {inside} }}" if value else "{}"
    return str(value)
