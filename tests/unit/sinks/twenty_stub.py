"""A scripted HTTP server on a real socket: says what it is told to, remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import unquote

COMPANY = {
    "id": "6c0c8f4e-5e55-4b0e-9d2a-0d8c5b0b6f01",
    "nameSingular": "company",
    "namePlural": "companies",
    "applicationId": "std",
    "isActive": True,
    "fields": [
        {"name": "name", "type": "TEXT", "applicationId": "std", "isActive": True},
        {"name": "domainName", "type": "LINKS", "applicationId": "std", "isActive": True, "isUnique": True},
    ],
}


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]


class Stub:
    """Answers `/rest/metadata/objects` with its catalog and everything else from `answers`, in order."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: deque[tuple[int, Any]] = deque()
        self.catalog: Any = {"data": [COMPANY], "pageInfo": {"hasNextPage": False}}
        self.catalogs: deque[Any] = deque()  #: served first, one a read, before `catalog`
        self.catalog_status = 200
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                size = int(self.headers.get("content-length") or 0)
                raw = self.rfile.read(size)
                path = unquote(self.path)
                if path.startswith("/rest/metadata/objects"):
                    status = stub.catalog_status
                    body = stub.catalogs.popleft() if stub.catalogs else stub.catalog
                else:
                    stub.asked.append(
                        Asked(self.command, path, json.loads(raw) if raw else None, dict(self.headers.items()))
                    )
                    status, body = stub.answers.popleft()
                html = isinstance(body, bytes)
                payload = body if html else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if html else "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def say(self, status: int, body: Any) -> None:
        """Queues one answer."""
        self.answers.append((status, body))

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
