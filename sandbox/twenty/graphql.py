"""GraphQL is not part of the stand-in yet; only what its guard answers is (recording 13)."""

from __future__ import annotations

import re
from typing import Any

from sandbox.twenty.errors import TwentyError, unsupported

_FRIENDLY = {"id": "z+7x/s", "message": "You must be authenticated to perform this action."}


def serve(refusal: TwentyError | None, path: str, body: Any) -> tuple[int, Any]:
    """The guard's answers are HTTP 200; everything behind it is 501."""
    query = body.get("query") if isinstance(body, dict) else None
    if refusal is None or not isinstance(query, str) or path != "/graphql":
        raise unsupported(f"GraphQL on {path}")
    if refusal.status == 403 and "Missing" in str(refusal.body):
        root = re.search(r"\{\s*(\w+)", query)
        if root is None or query.lstrip().startswith("mutation"):
            raise unsupported("GraphQL without a token, other than a query")
        before = query[: root.start(1)]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        text = f'Cannot query field "{root[1]}" on type "Query".'
        return 200, {"errors": [{"message": text, "locations": [{"line": line, "column": column}]}]}
    if refusal.status == 401 and "invalid" in str(refusal.body):
        extensions = {"userFriendlyMessage": _FRIENDLY, "subCode": "UNAUTHENTICATED", "code": "UNAUTHENTICATED"}
        return 200, {"errors": [{"message": "Token invalid.", "extensions": extensions}]}
    raise unsupported("GraphQL with a revoked or expired key")
