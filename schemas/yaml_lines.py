"""YAML with line numbers: a file a person edits is refused with the line that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A parsed file and where each value stands in it."""

    data: Any
    lines: dict[Path, int] = field(default_factory=dict)  #: path of a value (keys, indexes) → line, from 1
    faults: tuple[tuple[int, str], ...] = ()  #: what the text itself has wrong: syntax, a key written twice

    def line(self, *path: str | int) -> int:
        """The line of a value, or of the nearest value around it that has one."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


def parse(text: str | bytes) -> Document:
    """Reads one YAML document (UTF-8 when bytes); never raises for what is in the text."""
    try:
        loader = yaml.SafeLoader(text.decode("utf-8-sig") if isinstance(text, bytes) else text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return Document(data=None, lines={(): 1}, faults=((1, f"not text in UTF-8: {error}"),))
    try:
        node = loader.get_single_node()
        if node is None:
            return Document(data=None, lines={(): 1})
        data = loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        return Document(data=None, lines={(): 1}, faults=(((mark.line + 1) if mark else 1, f"not YAML: {what}"),))
    finally:
        loader.dispose()
    lines: dict[Path, int] = {}
    faults = tuple(_walk(node, (), lines))
    return Document(data=data, lines=lines, faults=faults)


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Iterator[tuple[int, str]]:
    """Fills `lines`; yields keys written twice (YAML would silently keep the last)."""
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*path, index), lines)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            line = key.start_mark.line + 1
            if name in seen:
                yield line, f"key {name!r} is written twice"
            seen.add(name)
            lines[(*path, name)] = line
            yield from _walk(value, (*path, name), lines)
