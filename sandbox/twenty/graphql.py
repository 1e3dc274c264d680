"""GraphQL over HTTP: parsed, its roots run one by one, always answered with 200 (recordings 11, 12, 13, 16).

No schema checks a document: in 2.21 the record API runs roots directly, and its refusals are those of the values."""

from __future__ import annotations

import re
from typing import Any

from graphql import GraphQLSyntaxError, OperationDefinitionNode, parse

from sandbox.twenty import gql_core, gql_errors, gql_meta, gql_select
from sandbox.twenty.errors import TwentyError, unsupported
from sandbox.twenty.workspace import Workspace

MAX_ROOTS = 20
_FRIENDLY = {"id": "z+7x/s", "message": "You must be authenticated to perform this action."}


def serve(workspace: Workspace, authorization: str | None, path: str, body: Any) -> tuple[int, Any]:
    """Status and body of one request. Raises TwentyError only for what the stand-in does not have."""
    query = body.get("query") if isinstance(body, dict) else None
    if not isinstance(query, str):
        raise unsupported(f"GraphQL on {path} without a query")
    try:
        key_name = workspace.keys.name_of(authorization)
    except TwentyError as refusal:
        return 200, _refused(refusal, path, query)
    try:
        document = parse(query)
    except GraphQLSyntaxError as error:
        places = [{"line": one.line, "column": one.column} for one in error.locations or []]
        return 200, {"errors": [{"message": error.message, "locations": places}]}
    if len(document.definitions) != 1 or not isinstance(document.definitions[0], OperationDefinitionNode):
        raise unsupported("GraphQL documents with anything but one operation")
    operation = document.definitions[0]
    variables = body.get("variables") or {}
    roots = [gql_select.root(node, variables) for node in operation.selection_set.selections]
    if path == "/metadata":
        return 200, {"data": {one.key: gql_meta.run(workspace, one) for one in roots}}
    return 200, _run(workspace, key_name, operation.operation.value, roots)


def _run(workspace: Workspace, key_name: str, kind: str, roots: list[gql_select.Root]) -> Any:
    """Roots are independent: what one did stays when the next is refused (`twenty.md` 1.1)."""
    refusal = _too_complex(roots)
    if refusal:
        return {"data": {}, "errors": [{"message": refusal, "extensions": {"code": "BAD_USER_INPUT"}}]}
    data: dict[str, Any] = {}
    errors = []
    for one in roots:
        try:
            data[one.key] = gql_core.run(workspace, key_name, kind, one)
        except TwentyError as error:
            data[one.key] = None
            errors.append(gql_errors.entry(error))
    return {"data": data, "errors": errors} if errors else {"data": data}


def _too_complex(roots: list[gql_select.Root]) -> str | None:
    if len(roots) > MAX_ROOTS:
        return (
            f"Query too complex - Too many root resolvers requested: {len(roots)}"
            f" - Maximum allowed root resolvers: {MAX_ROOTS}"
        )
    names = [one.name for one in roots]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    return f'Duplicate root resolver: "{twice}"' if twice else None


def _refused(refusal: TwentyError, path: str, query: str) -> Any:
    """What the guard says before a document is run."""
    if path != "/graphql":
        raise unsupported(f"GraphQL on {path} without a valid key")
    if refusal.status == 403 and "Missing" in str(refusal.body):
        root = re.search(r"\{\s*(\w+)", query)
        if root is None or query.lstrip().startswith("mutation"):
            raise unsupported("GraphQL without a token, other than a query")
        before = query[: root.start(1)]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        text = f'Cannot query field "{root[1]}" on type "Query".'
        return {"errors": [{"message": text, "locations": [{"line": line, "column": column}]}]}
    if refusal.status == 401 and "invalid" in str(refusal.body):
        extensions = {"userFriendlyMessage": _FRIENDLY, "subCode": "UNAUTHENTICATED", "code": "UNAUTHENTICATED"}
        return {"errors": [{"message": "Token invalid.", "extensions": extensions}]}
    raise unsupported("GraphQL with a revoked or expired key")
