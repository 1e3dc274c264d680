"""Finding the engines: one sentence for what is missing, whole folders or none, data that belongs to somebody."""

from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path

import pytest

from infra import processes
from infra.stack import engines, layout, secrets
from infra.stack.services import BY_NAME
from schemas.errors import LockgateError


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache and a PATH without programs."""
    empty = tmp_path / "bin"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return empty


def program(folder: Path, name: str, script: str) -> None:
    """A small program in the folder."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_a_missing_maven_is_one_sentence(bare: Path, tmp_path: Path) -> None:
    """LG-0201 comes before anything is fetched."""
    with pytest.raises(LockgateError) as missing:
        engines.find(tmp_path, None)
    assert missing.value.code == "LG-0201"
    assert not (tmp_path / "cache").exists()


def test_a_maven_that_fails_leaves_no_half_folder(bare: Path) -> None:
    """What Maven said is told; the next try starts clean, and a folder that came whole is not fetched again."""
    program(bare, "mvn", "echo no network; exit 1")
    with pytest.raises(LockgateError) as failed:
        engines.jars(Path("/java"))
    assert failed.value.details == ("no network",)
    assert not engines.jars_folder().exists()
    program(bare, "mvn", "/bin/mkdir -p target/libs target/plugins")
    assert sorted(one.name for one in engines.jars(Path("/java")).iterdir()) == ["libs", "plugins"]
    (bare / "mvn").unlink()
    assert engines.jars(Path("/java")) == engines.jars_folder()
    assert [one.name for one in engines.jars_folder().parent.iterdir() if one.name.startswith("making-")] == []


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_401"', 1),
        ("no such thing", 0),
    ],
)
def test_javas_version_is_read(bare: Path, said: str, version: int) -> None:
    """Java 8 calls itself 1.8; one that does not run is version 0."""
    program(bare, "java", f"echo '{said}' >&2")
    assert engines.java_version(str(bare / "java")) == version


def test_java_home_comes_first(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAVA_HOME before PATH; one too old is passed over."""
    home = tmp_path / "jdk"
    (home / "bin").mkdir(parents=True)
    program(bare, "java", "echo 'openjdk version \"17.0.1\"' >&2")
    program(home / "bin", "java", "echo 'openjdk version \"21.0.1\"' >&2")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert engines.java() == home / "bin" / "java"
    program(home / "bin", "java", "echo 'openjdk version \"11.0.1\"' >&2")
    assert engines.java() == bare / "java"


def test_a_postgres_that_was_named_must_be_one(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LOCKGATE_PG_BIN is obeyed or refused, never passed over."""
    monkeypatch.setenv("LOCKGATE_PG_BIN", str(bare))
    program(bare, "initdb", "echo 'initdb (PostgreSQL) 12.4'")
    program(bare, "postgres", "echo 'postgres (PostgreSQL) 12.4'")
    with pytest.raises(LockgateError) as refused:
        engines.postgres(tmp_path, None)
    assert refused.value.code == "LG-0205"
    program(bare, "initdb", "echo 'initdb (PostgreSQL) 17.2 (Debian 17.2-1)'")
    program(bare, "postgres", "echo 'postgres (PostgreSQL) 17.2 (Debian 17.2-1)'")
    assert engines.postgres(tmp_path, None) == bare


def test_data_of_a_deleted_lockgate_folder_is_thrown_away(tmp_path: Path) -> None:
    """Data belongs to the `.lockgate/` that made it: passwords and data never come from two lives; its engines end."""
    place = layout.of(tmp_path)
    try:
        layout.make(place)
        (place.data / "kafka").mkdir()
        pid = processes.spawn(place.data, "kafka", [sys.executable, "-c", "import time; time.sleep(600)"])
        layout.make(place)
        assert (place.data / "kafka").exists()
        assert processes.started(pid) is not None
        place.identity.unlink()
        layout.make(place)
        assert not (place.data / "kafka").exists()
        assert processes.started(pid) is None
        assert stat.S_IMODE(place.data.stat().st_mode) == 0o711
    finally:
        shutil.rmtree(place.data)


def test_a_data_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    """Its name can be guessed and the temporary folder is open to all: a link or a stranger's folder is not entered."""
    place = layout.of(tmp_path)
    place.data.parent.mkdir(parents=True, exist_ok=True)
    place.data.symlink_to(tmp_path)
    try:
        with pytest.raises(LockgateError) as refused:
            layout.make(place)
        assert refused.value.code == "LG-0202"
    finally:
        place.data.unlink()


def test_passwords_are_made_once_and_only_we_can_read_them(tmp_path: Path) -> None:
    """A second start finds the same passwords; files are mode 0600; the ledger's role is not its superuser."""
    secrets.make(tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    secrets.make(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before
    assert sorted(before) == ["ledger.pgpass", "ledger.properties", "source.pgpass", "source.properties"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    ledger, source = BY_NAME["postgres-ledger"].database, BY_NAME["postgres-source"].database
    assert ledger is not None and source is not None
    assert secrets.password(tmp_path, ledger) != secrets.password(tmp_path, ledger, superuser=True)
    assert secrets.password(tmp_path, source) == secrets.password(tmp_path, source, superuser=True)
