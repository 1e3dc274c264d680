"""The second listener: what a test or a demo orders and asks. Never part of the Twenty API, costs no token."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.twenty import orders
from sandbox.twenty.errors import TwentyError
from sandbox.twenty.workspace import Workspace


def control_app(workspace: Workspace) -> Starlette:
    """GET /health, /calls, /faults; POST /faults, /rows…, /members, /workflows, /keys…, /limit."""

    def route(path: str, method: str, act: Callable[[Any], Any]) -> Route:
        async def endpoint(request: Request) -> JSONResponse:
            body = await request.json() if method == "POST" else None
            try:
                return JSONResponse(act(body))
            except TwentyError as error:
                return JSONResponse({"status": error.status, "refusal": error.body}, 400)
            except (KeyError, TypeError, ValueError) as error:
                return JSONResponse({"refusal": f"{type(error).__name__}: {error}"}, 400)
            finally:
                workspace.store.flush()

        return Route(path, endpoint, methods=[method])

    def clear_faults(_: Any) -> Any:
        workspace.faults.waiting.clear()
        return {"faults": []}

    def reset(_: Any) -> Any:
        workspace.journal.reset()
        return workspace.journal.shown()

    return Starlette(
        routes=[
            route(
                "/health", "GET", lambda _: {"ok": True, "instance": str(uuid.UUID(workspace.store.meta("workspace")))}
            ),
            route("/calls", "GET", lambda _: workspace.journal.shown()),
            route("/calls", "DELETE", reset),
            route("/faults", "GET", lambda _: {"faults": [fault.shown() for fault in workspace.faults.waiting]}),
            route("/faults", "POST", lambda body: workspace.faults.order(body).shown()),
            route("/faults", "DELETE", clear_faults),
            route("/rows", "POST", lambda body: orders.rows(workspace, body)),
            route("/rows/delete", "POST", lambda body: orders.delete(workspace, body)),
            route("/rows/restore", "POST", lambda body: orders.restore(workspace, body)),
            route("/members", "POST", lambda body: orders.member(workspace, body)),
            route("/workflows", "POST", lambda body: orders.workflow(workspace, body)),
            route("/keys", "POST", lambda body: orders.key(workspace, body)),
            route("/keys/revoke", "POST", lambda body: orders.key(workspace, {**body, "state": "revoked"})),
            route("/keys/expire", "POST", lambda body: orders.key(workspace, {**body, "state": "expired"})),
            route("/limit", "POST", lambda body: orders.limit(workspace, body)),
        ]
    )
