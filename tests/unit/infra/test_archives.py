"""Class archives: named by what they fit, published whole or not at all, never in the way of a start."""

from __future__ import annotations

import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from infra import ports, processes
from infra.stack import archives, engines, layout, machine, start
from infra.stack.archives import MAGIC, Archive
from infra.stack.services import JVM, Check, Engine, Service

STEM = "kafka-0123456789abcdef"


def dumped(folder: Path, owner: str = "a", body: bytes = b"classes") -> Archive:
    """What choose gave to a start, and its JVM has written at its end."""
    chosen = archives.choose(folder, STEM, owner, JVM)
    assert chosen.making is not None
    chosen.making.write_bytes(MAGIC + body)
    return chosen


def test_the_name_tells_jvm_class_path_and_flags(tmp_path: Path) -> None:
    """The same for the same; another for whatever the JVM compares, or what changes which classes it loads."""
    libs = tmp_path / "jars" / "libs"
    libs.mkdir(parents=True)
    (libs / "a.jar").write_bytes(b"1")
    os.utime(libs / "a.jar", ns=(1, 1))
    found = engines.Engines(java=Path("/j/java"), java_says="17.0.15+6", postgres=Path("/p"), jars=tmp_path / "jars")

    def stem(one: engines.Engines = found, service: str = "kafka", jvm: tuple[str, ...] = JVM, **env: str) -> str:
        return archives.stem(service, one, jvm, env)

    first = stem()
    assert stem(HOME="/elsewhere") == first
    assert first.startswith("kafka-")
    others = [
        stem(service="connect"),
        stem(replace(found, java_says="17.0.16+1")),
        stem(replace(found, java=Path("/other/java"))),
        stem(jvm=("-Xmx2g",)),
        stem(JAVA_TOOL_OPTIONS="-Xmx2g"),
    ]
    os.utime(libs / "a.jar", ns=(2, 2))
    others.append(stem())
    (libs / "b.jar").write_bytes(b"")
    others.append(stem())
    assert len({first, *others}) == 8


def test_the_first_start_makes_one_and_the_next_uses_it(tmp_path: Path) -> None:
    """The first run writes beside; what it wrote gets its name when it has ended, and `-Xshare:auto` uses it."""
    folder = tmp_path / "archives"
    first = dumped(folder)
    assert first.flags == (f"-XX:ArchiveClassesAtExit={first.making}", "-Xlog:cds*=error")
    assert list(folder.glob("*.jsa")) == []
    final = archives.publish(first)
    assert final is not None
    assert final.read_bytes() == MAGIC + b"classes"
    assert archives.choose(folder, STEM, "b", JVM).flags == ("-Xshare:auto", f"-XX:SharedArchiveFile={final}")
    assert sorted(path.name for path in folder.iterdir()) == [final.name, "lock"]


def test_a_torn_archive_is_not_published(tmp_path: Path) -> None:
    """The JVM writes the header last: killed before, it leaves no name behind and the next start tries again."""
    chosen = dumped(tmp_path)
    assert chosen.making is not None
    chosen.making.write_bytes(bytes(4) + b"classes")
    assert archives.publish(chosen) is None
    assert not chosen.making.exists()
    assert archives.publish(chosen) is None
    assert archives.choose(tmp_path, STEM, "a", JVM) == chosen


@pytest.mark.parametrize("harm", [lambda whole: whole[:-1], lambda whole: whole[:5] + b"X" + whole[6:], lambda _: b""])
def test_a_damaged_archive_is_removed_and_made_again(tmp_path: Path, harm) -> None:
    """Cut short, changed or empty: its sum is not the one in its name."""
    final = archives.publish(dumped(tmp_path))
    assert final is not None
    final.write_bytes(harm(final.read_bytes()))
    again = archives.choose(tmp_path, STEM, "a", JVM)
    assert again.used is None
    assert again.making is not None
    assert not final.exists()


def test_of_two_checkouts_one_is_first_and_both_start_from_it(tmp_path: Path) -> None:
    """Each JVM writes a file of its own; publishing at the same time leaves exactly one archive."""
    both = [dumped(tmp_path, owner, owner.encode() * 100_000) for owner in ("a", "b", "c", "d")]
    assert len({one.making for one in both}) == 4
    with ThreadPoolExecutor(4) as pool:
        finals = set(pool.map(archives.publish, both))
    assert finals == {archives.whole(tmp_path, STEM)}
    assert len(list(tmp_path.glob("*.jsa"))) == 1
    assert list(tmp_path.glob("making-*")) == []


def test_who_stops_a_service_publishes_what_was_noted(tmp_path: Path) -> None:
    """The note lies with the pid files, because another command stops what `up` started; it is taken once."""
    chosen = dumped(tmp_path / "archives")
    assert archives.collect(tmp_path, "kafka") is None
    archives.note(tmp_path, "kafka", chosen)
    assert archives.writing_seconds(tmp_path, "kafka") > 0
    final = archives.collect(tmp_path, "kafka")
    assert final == archives.whole(tmp_path / "archives", STEM)
    assert final is not None
    assert archives.writing_seconds(tmp_path, "kafka") == 0
    archives.note(tmp_path, "kafka", archives.choose(tmp_path / "archives", STEM, "a", JVM))
    assert archives.collect(tmp_path, "kafka") is None
    (tmp_path / "kafka.archive").write_text("{")
    assert archives.collect(tmp_path, "kafka") is None


def test_an_operators_own_flags_and_a_cache_that_cannot_be_written_mean_no_archive(tmp_path: Path) -> None:
    """A start without archives works as ever."""
    assert archives.choose(tmp_path, STEM, "a", [*JVM, "-Xshare:off"]) == archives.NONE
    assert archives.choose(tmp_path, STEM, "a", ["-XX:SharedArchiveFile=/mine"]) == archives.NONE
    (tmp_path / "file").touch()
    assert archives.choose(tmp_path / "file", STEM, "a", JVM) == archives.NONE
    assert archives.NONE.flags == ()


def test_the_cache_is_bounded(tmp_path: Path) -> None:
    """Those used last stay; what a killed JVM left half made goes after a day."""
    for number in range(archives.KEEP + 3):
        path = tmp_path / f"old-{number:02d}.jsa"
        path.touch()
        os.utime(path, (number, number))
    left = tmp_path / "making-x-old"
    left.touch()
    os.utime(left, (0, 0))
    (tmp_path / "making-y-young").touch()
    final = archives.publish(dumped(tmp_path))
    assert final is not None
    assert time.time() - final.stat().st_mtime < 3600
    kept = [f"old-{number:02d}.jsa" for number in range(4, archives.KEEP + 3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([final.name, "lock", "making-y-young", *kept])


FAKE_JAVA = """import http.server, sys
if any(word.startswith("-XX:SharedArchiveFile") for word in sys.argv):
    sys.exit("SIGSEGV")
class Ok(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[-1])), Ok).serve_forever()
"""


def test_a_jvm_that_dies_of_its_archive_starts_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole and yet deadly: one more try without it; when that succeeds the archive goes."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    java = tmp_path / "java"
    (tmp_path / "java.py").write_text(FAKE_JAVA)
    # By a shell: a checkout's path may hold a space, and a first line that names an interpreter may not.
    java.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path}/java.py" "$@"\n')
    java.chmod(0o755)
    service = Service(
        name="connect",
        engine=Engine.JVM,
        ports=("connect",),
        command=("{java}", "{archive}", "{port.connect}"),
        check=Check.HTTP,
        path="/",
    )
    monkeypatch.setattr(start, "SERVICES", (service,))
    place = layout.of(tmp_path)
    found = engines.Engines(java=java, java_says="17", postgres=tmp_path, jars=tmp_path)
    port = ports.free()
    one = machine.Machine(layout=place, ports={"connect": port}, engines=found, jvm=JVM)
    first = one.archive(service)
    assert first.making is not None
    first.making.write_bytes(MAGIC)
    final = archives.publish(first)
    assert final is not None
    assert one.archive(service).used == final
    try:
        layout.make(place)
        start.Starter(one, lambda *_: None).run()
        assert ports.answers(port)
        assert not final.exists()
    finally:
        assert start.stop(place.state, service)
        shutil.rmtree(place.data, ignore_errors=True)
    assert "SIGSEGV" in processes.log_file(place.state, "connect").with_suffix(".log.1").read_text()
