"""What a GraphQL document asks for: roots with their arguments, and the parts of an answer it selects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, SelectionNode, SelectionSetNode, Undefined
from graphql.utilities import value_from_ast_untyped

from sandbox.twenty.errors import unsupported


@dataclass(frozen=True, kw_only=True)
class Root:
    """One field of the operation."""

    key: str  #: the alias, or the name
    name: str
    arguments: Mapping[str, Any]
    selection: SelectionSetNode | None

    def fields(self, *path: str) -> list[str]:
        """Names selected below a path, in no order; empty where nothing is."""
        inner = self.selection
        for name in path:
            inner = next((one.selection_set for one in _nodes(inner) if one.name.value == name), None)
        return [one.name.value for one in _nodes(inner)]


def root(node: SelectionNode, variables: Mapping[str, Any]) -> Root:
    """A root with its variables filled in; an argument whose variable was not given is absent."""
    if not isinstance(node, FieldNode) or node.directives:
        raise unsupported("GraphQL fragments and directives")
    found = {one.name.value: value_from_ast_untyped(one.value, dict(variables)) for one in node.arguments or ()}
    return Root(
        key=node.alias.value if node.alias else node.name.value,
        name=node.name.value,
        arguments={name: value for name, value in found.items() if value is not Undefined},
        selection=node.selection_set,
    )


def _nodes(selection: SelectionSetNode | None) -> list[FieldNode]:
    nodes: Sequence[SelectionNode] = selection.selections if selection else ()
    if any(not isinstance(one, FieldNode) or one.directives or one.arguments for one in nodes):
        raise unsupported("GraphQL fragments, directives, or arguments below a root")
    return [one for one in nodes if isinstance(one, FieldNode)]


def pick(value: Any, selection: SelectionSetNode | None) -> Any:
    """The selected parts of a value, lists item by item; a name that is not there is refused."""
    if selection is None or value is None:
        return value
    if isinstance(value, list):
        return [pick(item, selection) for item in value]
    found = {}
    for node in _nodes(selection):
        name = node.name.value
        if name not in value:
            raise unsupported(f"selecting {name} over GraphQL")
        found[node.alias.value if node.alias else name] = pick(value[name], node.selection_set)
    return found
