"""One deadline a call, whatever the server does; `before_send` last; what is lost is told from what never left."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from schemas.errors import LockgateError
from sinks.twenty.client import Client, Lost, NotSent, Reply
from sinks.twenty.settings import Settings

KEY = "secret-key-of-this-test"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
Serve = Callable[[socket.socket, threading.Event], None]


@contextmanager
def server(serve: Serve) -> Iterator[str]:
    """A raw TCP server: each connection is handed to `serve`, which ends when the event is set."""
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def handle(peer: socket.socket) -> None:
        with peer:
            try:
                serve(peer, over)
            except OSError:
                over.wait(0)  # the client has gone, as it should

    def accept() -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=handle, args=(peer,))
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join()
        for thread in threads:
            thread.join()


@contextmanager
def client(url: str, timeout_s: float = 0.4) -> Iterator[Client]:
    """A client of that server."""
    made = Client(Settings.model_validate({"url": url, "key": KEY, "timeout_s": timeout_s}))
    try:
        yield made
    finally:
        made.close()


def trickle_headers(peer: socket.socket, over: threading.Event) -> None:
    """A header line that grows for ever."""
    peer.recv(65536)
    peer.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not over.wait(0.02):
        peer.sendall(b"x")


def trickle_body(peer: socket.socket, over: threading.Event) -> None:
    """A body that grows by a byte now and then: every single read is quick."""
    peer.recv(65536)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    while not over.wait(0.02):
        peer.sendall(b" ")


def silence(peer: socket.socket, over: threading.Event) -> None:
    """Takes the request and never answers."""
    peer.recv(65536)
    over.wait(10)


def sip(peer: socket.socket, over: threading.Event) -> None:
    """Takes the request a few bytes at a time: every single send is quick."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    while not over.wait(0.02):
        peer.recv(512)


@pytest.mark.parametrize(
    ("serve", "size"),
    [(trickle_headers, 10), (trickle_body, 10), (silence, 10), (silence, 9_000_000), (sip, 9_000_000)],
)
def test_a_call_ends_at_its_deadline_whatever_the_server_does(serve: Serve, size: int) -> None:
    """A timeout per operation would wait for ever here; the lease must outlive the call (law 2)."""
    with server(serve) as url, client(url) as calls:
        begun = time.monotonic()
        outcome = calls.call("POST", "/rest/batch/companies", body=b"[" + b" " * size + b"]")
        took = time.monotonic() - begun
    assert isinstance(outcome, Lost)
    assert 0.3 < took < 2.0


def test_a_refused_connection_sent_nothing() -> None:
    """Law 4: weather, and the hook that checks the lease was not even asked."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    asked: list[int] = []
    with client(f"http://127.0.0.1:{port}") as calls:
        outcome = calls.call("POST", "/x", body=b"[]", before_send=lambda: asked.append(1))
    assert isinstance(outcome, NotSent)
    assert asked == []


def test_an_unknown_host_sent_nothing() -> None:
    """A name that cannot exist is weather to a worker."""
    with client("http://host.invalid") as calls:
        assert isinstance(calls.get("/x"), NotSent)


def test_a_tls_handshake_with_a_plain_server_sent_nothing() -> None:
    """TLS fails before the request leaves."""

    def plain(peer: socket.socket, over: threading.Event) -> None:
        peer.recv(65536)
        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with server(plain) as url, client(url.replace("http:", "https:")) as calls:
        assert isinstance(calls.call("POST", "/x", body=b"[]"), NotSent)


def test_a_tls_handshake_that_never_ends_is_bounded() -> None:
    """The handshake has what is left of the call's time."""
    with server(silence) as url, client(url.replace("http:", "https:")) as calls:
        begun = time.monotonic()
        outcome = calls.get("/x")
        took = time.monotonic() - begun
    assert isinstance(outcome, NotSent)
    assert took < 2.0


def test_a_connection_dropped_after_the_request_is_lost() -> None:
    """The server may have committed: unknown, never weather, for a write (law 2, H-04)."""

    def drop(peer: socket.socket, over: threading.Event) -> None:
        peer.recv(65536)

    with server(drop) as url, client(url) as calls:
        assert isinstance(calls.call("POST", "/x", body=b"[]"), Lost)


def test_half_an_answer_is_lost() -> None:
    """A 201 whose body breaks off tells nothing about its rows."""

    def half(peer: socket.socket, over: threading.Event) -> None:
        peer.recv(65536)
        peer.sendall(OK.replace(b"Length: 2", b"Length: 900"))

    with server(half) as url, client(url) as calls:
        assert isinstance(calls.get("/x"), Lost)


class LeaseOverError(Exception):
    """What a caller's hook raises when the lease is over."""


def test_a_hook_that_raises_leaves_nothing_sent() -> None:
    """The lease is checked when the connection is there and before one byte of the request leaves (law 2)."""
    came: list[bytes] = []
    accepted = threading.Event()

    def listen(peer: socket.socket, over: threading.Event) -> None:
        accepted.set()
        came.append(peer.recv(65536))

    def over_now() -> None:
        assert accepted.wait(5), "the hook ran before the connection was made"
        raise LeaseOverError

    with server(listen) as url, client(url, 5.0) as calls, pytest.raises(LeaseOverError):
        calls.call("POST", "/x", body=b"[]", before_send=over_now)
    assert came == [b""]


def test_the_hook_runs_once_a_call_and_again_on_a_kept_connection() -> None:
    """A pooled connection does not skip the check, and several writes of one call do not repeat it."""
    peers: list[int] = []

    def keep(peer: socket.socket, over: threading.Event) -> None:
        peers.append(1)
        while data := peer.recv(65536):
            if data.endswith(b"[1]"):
                peer.sendall(OK)

    asked: list[int] = []
    with server(keep) as url, client(url, 5.0) as calls:
        for _ in range(2):
            assert isinstance(calls.call("POST", "/x", body=b"[1]", before_send=lambda: asked.append(1)), Reply)
        calls.close()
    assert (len(asked), len(peers)) == (2, 1)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", "LG-0501"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", "LG-0501"),
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n"
            b'{"message":"Cannot GET"}',
            "LG-0501",
        ),
        (b"HTTP/1.1 301 Moved\r\nLocation: https://other.example/x?a=1\r\nContent-Length: 0\r\n\r\n", "LG-0501"),
        (
            b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 51\r\n\r\n"
            b'{"messages":["secret-key-of-this-test is no key"] }',
            "LG-0502",
        ),
    ],
)
def test_a_wrong_address_or_key_is_one_error_without_the_key(answer: bytes, code: str) -> None:
    """LG-0501 and LG-0502 name what was found; a server that echoes the key does not make us print it (law 8)."""

    def say(peer: socket.socket, over: threading.Event) -> None:
        peer.recv(65536)
        peer.sendall(answer)

    with server(say) as url, client(url, 5.0) as calls, pytest.raises(LockgateError) as raised:
        calls.get("/rest/metadata/objects")
    assert raised.value.code == code
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("key", ["", "two words", "line\nbreak", "schlüssel"])
def test_a_key_no_header_carries_is_refused_without_being_shown(key: str) -> None:
    """h11 would raise with the header's value in its text."""
    with pytest.raises(LockgateError) as raised:
        Client(Settings.model_validate({"url": "http://127.0.0.1:1", "key": key}))
    assert raised.value.code == "LG-0502"
    assert not key or key not in str(raised.value)


@pytest.mark.parametrize("url", ["crm.example", "ftp://crm.example", "https://user:pw@crm.example", "https://"])
def test_an_address_that_is_none_or_holds_a_password_is_refused(url: str) -> None:
    """Endpoints never carry a password (DESIGN 3), and pydantic's message does not repeat the input."""
    with pytest.raises(ValueError, match="must") as raised:
        Settings.model_validate({"url": url, "key": KEY})
    assert KEY not in str(raised.value)
    assert "pw" not in str(raised.value)
