"""A web server on this machine that takes webhooks: 200 on every path, 500 on `/fail`."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class _Server(ThreadingHTTPServer):
    """Twenty connections may come at once."""

    request_queue_size = 128
    daemon_threads = True


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON of it."""
        return json.loads(self.raw)


@dataclass(kw_only=True)
class Listener:
    """Where it listens and what came so far."""

    url: str
    letters: list[Letter] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, count: int, seconds: float = 10.0) -> list[Letter]:
        """At least so many letters, or a failure."""
        deadline = time.monotonic() + seconds
        with self.came:
            while len(self.letters) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{len(self.letters)} of {count} webhooks came"
                self.came.wait(left)
            return list(self.letters)


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener on a free port for the time of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            with listener.came:
                listener.letters.append(Letter(path=self.path, headers=dict(self.headers.items()), raw=raw))
                listener.came.notify_all()
            self.send_response(500 if self.path == "/fail" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    listener = Listener(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
