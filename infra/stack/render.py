"""Filling the places of the table of services. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

#: `{port.kafka}`, `{data}`; never `${file:…}`, which is Connect's own.
PLACE = re.compile(r"(?<!\$)\{([a-z0-9.-]+)\}")

Places = Mapping[str, str | tuple[str, ...]]


def fill(text: str, places: Places) -> str:
    """The text with its places filled; KeyError names one that nobody knows."""

    def value(match: re.Match[str]) -> str:
        found = places[match.group(1)]
        return found if isinstance(found, str) else " ".join(found)

    return PLACE.sub(value, text)


def fill_command(words: Iterable[str], places: Places) -> list[str]:
    """The words of a command; a word that is one place of several values (`{jvm}`) becomes several words."""
    filled: list[str] = []
    for word in words:
        match = PLACE.fullmatch(word)
        found = places[match.group(1)] if match else None
        filled += list(found) if isinstance(found, tuple) else [fill(word, places)]
    return filled


def properties(settings: Mapping[str, str], places: Places) -> str:
    """The settings as a Java properties file; a backslash is doubled, as its reader halves it."""
    lines = [f"{key}={fill(value, places)}".replace("\\", "\\\\") for key, value in settings.items()]
    return "\n".join(lines) + "\n"
