"""Sockets with one deadline a call, and a hook right before the first byte of a request leaves.

httpx and httpcore count a timeout per operation, so a server that sends one byte now and then is read for ever. Here
every connect, handshake, write and read gets what is left of the call's own time. Not bounded: the resolver
(`getaddrinfo` takes no timeout).
"""

from __future__ import annotations

import selectors
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

from infra.clock import boottime

SocketOptions = Iterable[
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
]  #: as httpcore spells it


class Call:
    """One request's time and the moment its bytes left."""

    def __init__(self, timeout_s: float, before_send: Callable[[], None] | None = None) -> None:
        self._until = boottime() + timeout_s
        self._before_send = before_send
        self.sent = False  #: a byte of the request may have left: an absent answer now means *unknown*

    def left(self, too_late: type[httpcore.TimeoutException]) -> float:
        """Seconds left; raises when there are none."""
        left = self._until - boottime()
        if left <= 0:
            raise too_late("the call's time is over")
        return left

    def leave(self) -> None:
        """Runs `before_send` once, then marks the request as sent; what the hook raises stops the call unsent."""
        if self.sent:
            return
        if self._before_send is not None:
            self._before_send()
        self.sent = True


_CALL: ContextVar[Call] = ContextVar("lockgate_twenty_call")


@contextmanager
def _errors(late: type[httpcore.TimeoutException], broken: type[httpcore.NetworkError]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except (OSError, UnicodeError) as error:  # UnicodeError: a host name that no resolver takes
        raise broken(str(error)) from error


class Stream(httpcore.NetworkStream):
    """A socket that obeys the deadline of the call under way in this thread."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """At most `max_bytes`; `timeout` is ignored in favour of the call's."""
        with _errors(httpcore.ReadTimeout, httpcore.ReadError):
            self._sock.settimeout(_CALL.get().left(httpcore.ReadTimeout))
            return self._sock.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of `buffer`. Connection, TLS and pool are behind us here: the hook cannot be called any later."""
        call = _CALL.get()
        call.left(httpcore.WriteTimeout)
        call.leave()
        with _errors(httpcore.WriteTimeout, httpcore.WriteError):
            while buffer:
                self._sock.settimeout(call.left(httpcore.WriteTimeout))
                buffer = buffer[self._sock.send(buffer) :]

    def close(self) -> None:
        """Closes the socket."""
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        """TLS over this socket; certificate and name are checked by the context."""
        try:
            with _errors(httpcore.ConnectTimeout, httpcore.ConnectError):
                self._sock.settimeout(_CALL.get().left(httpcore.ConnectTimeout))
                return Stream(ssl_context.wrap_socket(self._sock, server_hostname=server_hostname))
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        """`is_readable` tells the pool that the server has closed (or spoiled) an idle connection."""
        if info == "is_readable":
            return self._is_readable()
        return {"socket": self._sock}.get(info)

    def _is_readable(self) -> bool:
        if self._sock.fileno() < 0:
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_READ)
            return bool(selector.select(timeout=0))


class Backend(httpcore.NetworkBackend):
    """Opens `Stream`s; the addresses of a host are tried in order within the call's time."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> Stream:
        """A connected stream; `timeout` is ignored in favour of the call's."""
        call = _CALL.get()
        with _errors(httpcore.ConnectTimeout, httpcore.ConnectError):
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            for place, address in enumerate(addresses, start=1):
                try:
                    sock = socket.create_connection((str(address[4][0]), port), call.left(httpcore.ConnectTimeout))
                except OSError:
                    if place == len(addresses):
                        raise
                else:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    return Stream(sock)
        raise httpcore.ConnectError(f"{host} has no address")


class Transport(httpx.BaseTransport):
    """HTTP/1.1 over `Backend`, TLS verified, nothing followed, nothing sent twice.

    A connection idle for 3 s is not used again: node closes it after 5 s, and a request that meets the close would be
    *unknown* for nothing."""

    def __init__(self, connections: int = 4) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=connections,
            keepalive_expiry=3.0,
            retries=0,
            network_backend=Backend(),
        )

    @contextmanager
    def during(self, call: Call) -> Iterator[None]:
        """Makes `call` the one that this thread's sockets obey."""
        token = _CALL.set(call)
        try:
            yield
        finally:
            _CALL.reset(token)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request inside `during`. Raises httpcore's errors and whatever `before_send` raises."""
        left = _CALL.get().left(httpcore.ConnectTimeout)
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions={"timeout": {"pool": left, "connect": left, "read": left, "write": left}},
            )
        )
        assert isinstance(answer.stream, Iterable)
        return httpx.Response(status_code=answer.status, headers=answer.headers, stream=_Body(answer.stream))

    def close(self) -> None:
        """Closes idle connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()
