"""Ports: free ones, remembered ones."""

from __future__ import annotations

import socket
from pathlib import Path

from infra import ports


def test_a_free_port_lies_below_the_range_of_outgoing_connections() -> None:
    """A client retrying an outgoing-range port can connect to itself, so none is chosen there."""
    port = ports.free()
    assert ports.RANGE[0] <= port <= ports.RANGE[1] < 32768
    assert ports.is_free(port)
    assert not ports.answers(port)


def test_a_port_somebody_listens_on_is_not_free() -> None:
    """A listening port is taken, and answers."""
    with socket.create_server((ports.HOST, 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free(port)
        assert ports.answers(port)


def test_a_restart_keeps_its_ports() -> None:
    """Remembered ports are used again while they are free."""
    first = ports.assign(["a", "b", "c"], {})
    assert len(set(first.values())) == 3
    assert ports.assign(["a", "b", "c"], first) == first


def test_a_port_taken_by_a_stranger_is_replaced_and_our_own_is_kept() -> None:
    """A busy remembered port is kept only for the service that itself holds it."""
    with socket.create_server((ports.HOST, 0)) as server:
        busy = server.getsockname()[1]
        assert ports.assign(["a"], {"a": busy})["a"] != busy
        assert ports.assign(["a"], {"a": busy}, keep=["a"]) == {"a": busy}


def test_two_names_never_share_a_port() -> None:
    """A damaged port file that names one port twice gives two."""
    port = ports.free()
    chosen = ports.assign(["a", "b"], {"a": port, "b": port})
    assert chosen["a"] == port != chosen["b"]


def test_the_port_file_is_read_back_and_damage_is_nothing_remembered(tmp_path: Path) -> None:
    """What was written is read; a missing or damaged file means no memory."""
    path = tmp_path / "ports.json"
    assert ports.read(path) == {}
    ports.write(path, {"a": 20001})
    assert ports.read(path) == {"a": 20001}
    for damaged in ("{", "[]", '{"a": "x"}', '{"a": null}'):
        path.write_text(damaged)
        assert ports.read(path) == {}
