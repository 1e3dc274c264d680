"""The public listener: an ASGI application that answers as Twenty does, and fails as it is told to."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.twenty import bodies, core, graphql, metadata, openapi
from sandbox.twenty.errors import TwentyError, limited, plain, unsupported
from sandbox.twenty.faults import Fault, FaultKind
from sandbox.twenty.workspace import Workspace

_MAX_READ = bodies.MAX_JSON + 1
_HEALTH = {"status": "ok", "info": {}, "error": {}, "details": {}}
_STATUS_ERRORS = {500: "InternalServerErrorException", 502: "BadGatewayException", 503: "ServiceUnavailableException"}


class TwentyApp:
    """Answers one workspace's calls, one at a time."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP call, with the fault ordered for it, if any."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            raw = await _read(request)
        except ClientDisconnect:
            return
        path = request.url.path
        self.workspace.journal.call(request.method, path)
        fault = self.workspace.faults.strike(request.method, path)
        if fault is None:
            await self._answer(request, raw, scope, receive, send)
        elif fault.kind is FaultKind.DELAY:
            await asyncio.sleep(fault.ms / 1000)
            await self._answer(request, raw, scope, receive, send)
        elif fault.kind is FaultKind.STATUS:
            await self._refuse(fault, scope, receive, send)
        else:
            self._drop(fault, request, raw)
            await _hang_up(send)

    async def _answer(self, request: Request, raw: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        status, body = self.handle(request, raw)
        self.workspace.journal.answered(status)
        await _respond(status, body, scope, receive, send)

    async def _refuse(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        self.workspace.journal.answered(fault.status)
        body: Any = {
            "statusCode": fault.status,
            "error": _STATUS_ERRORS.get(fault.status, "HttpException"),
            "messages": ["Ordered by the fault port"],
        }
        if fault.status == 429:
            bucket = self.workspace.bucket
            body = limited(bucket.limit or 100, bucket.window_ms).body
        await _respond(fault.status, body, scope, receive, send)

    def _drop(self, fault: Fault, request: Request, raw: bytes) -> None:
        if fault.kind is FaultKind.DROP_AFTER_COMMIT:
            self.handle(request, raw)
        elif fault.kind is FaultKind.APPLY_LATE:
            task = asyncio.get_running_loop().create_task(self._apply_late(fault, request, raw))
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    async def _apply_late(self, fault: Fault, request: Request, raw: bytes) -> None:
        await asyncio.sleep(fault.ms / 1000)
        self.handle(request, raw)

    def handle(self, request: Request, raw: bytes) -> tuple[int, Any]:
        """Status and body of one call; what it changed is committed when this returns, refused or not."""
        try:
            return self._route(request, raw)
        except TwentyError as error:
            return error.status, error.body
        finally:
            self.workspace.store.flush()

    def _route(self, request: Request, raw: bytes) -> tuple[int, Any]:
        path, method = request.url.path, request.method
        if path == "/healthz" and method == "GET":
            return 200, _HEALTH
        body = bodies.read(raw, request.headers.get("content-type", ""))
        if path in {"/graphql", "/metadata"} and method == "POST":
            return graphql.serve(self.workspace, request.headers.get("authorization"), path, body)
        if not (path + "/").startswith("/rest/"):
            if path == "/client-config":
                raise unsupported("/client-config")
            raise plain(404, f"Cannot {method} {path}", "Not Found")
        key_name = self.workspace.keys.name_of(request.headers.get("authorization"))
        params = dict(request.query_params)
        if path == "/rest/open-api/core" and method == "GET":
            return 200, openapi.core(self.workspace.store)
        if path.startswith("/rest/open-api/"):
            raise unsupported(path)
        if path.startswith("/rest/metadata/") or path == "/rest/metadata":
            return metadata.serve(self.workspace, method, path, params, body)
        if method not in {"GET", "POST", "PATCH", "PUT", "DELETE"}:
            raise unsupported(f"{method} {path}")
        return core.serve(
            self.workspace, core.Call(method=method, path=path, params=params, body=body, key_name=key_name)
        )


async def _read(request: Request) -> bytes:
    """The body, read to its end but kept only up to the limit."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        if size < _MAX_READ:
            chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)


async def _respond(status: int, body: Any, scope: Scope, receive: Receive, send: Send) -> None:
    guard = status in {401, 403} and isinstance(body, dict) and "code" not in body
    kind = "application/json" if guard else "application/json; charset=utf-8"
    response = Response(bodies.write(body), status_code=status, headers={"content-type": kind})
    await response(scope, receive, send)


async def _hang_up(send: Send) -> None:
    """Closes the connection without an answer; uvicorn's `send` belongs to the object that holds the transport."""
    cycle: Any = getattr(send, "__self__", None)
    cycle.transport.abort()
    while not cycle.disconnected:
        await asyncio.sleep(0)
