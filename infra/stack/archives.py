"""Class archives (AppCDS) of broker and Connect: the classes of one run, mapped into memory at the next start.

The JVM writes one when a run with `-XX:ArchiveClassesAtExit` ends in good order, and it fits only that JVM and class
path. They lie in the cache that checkouts share, `<service>-<hash>-<crc32>.jsa`: the hash says for what, the sum that
the file is whole. A start without one, or with one that is damaged, is a start as it always was.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.stack import engines

#: First word of a dynamic archive (HotSpot, cds.h). The JVM writes the header after everything else.
MAGIC = (0xF00BABA8).to_bytes(4, sys.byteorder)
#: Variables from which a JVM takes further flags.
VARIABLES = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
#: Flags of an operator who does this himself.
OWN = ("-Xshare:", "-XX:SharedArchiveFile", "-XX:ArchiveClassesAtExit", "-XX:+AutoCreateSharedArchive")
#: 50 MB each; those used last stay.
KEEP = 8
#: What writing one takes at most, on a machine that has much else to do.
WRITE_SECONDS = 30.0
STALE_SECONDS = 24 * 3600.0
CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Archive:
    """What one start does about archives; nothing by default."""

    #: The whole archive it starts from.
    used: Path | None = None
    #: Where the JVM writes a new one when it ends.
    making: Path | None = None
    #: Service and hash: the beginning of the archive's name.
    stem: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """The JVM's flags. `-Xshare:auto`: an archive that does not fit is passed over."""
        if self.used:
            return ("-Xshare:auto", f"-XX:SharedArchiveFile={self.used}")
        # Which classes it leaves out would be a thousand lines at the log's end, where the reason of an end stands.
        return (f"-XX:ArchiveClassesAtExit={self.making}", "-Xlog:cds*=error") if self.making else ()


#: A start without archives.
NONE = Archive()


def stem(service: str, found: engines.Engines, jvm: Sequence[str], environment: Mapping[str, str]) -> str:
    """`<service>-<hash>` of JVM, class path (names, sizes, times: the JVM compares them) and flags."""
    jars = [(jar.name, jar.stat()) for jar in sorted((found.jars / "libs").glob("*.jar"))]
    told = {
        "java": [str(found.java.resolve()), found.java_says],
        "classes": [str(found.jars), *([name, stat.st_size, stat.st_mtime_ns] for name, stat in jars)],
        "flags": [*jvm, *(environment.get(name, "") for name in VARIABLES)],
    }
    return f"{service}-{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]}"


def choose(folder: Path, stem: str, owner: str, jvm: Iterable[str]) -> Archive:
    """The archive to start from, else where to make one; `owner` tells the stacks of this machine apart."""
    if any(flag.startswith(OWN) for flag in jvm):
        return NONE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        used = whole(folder, stem)
    except OSError:
        return NONE
    if used is not None:
        return Archive(used=used, stem=stem)
    return Archive(making=folder / f"making-{owner}-{stem}", stem=stem)


def whole(folder: Path, stem: str) -> Path | None:
    """The archive of that stem, if its sum is the one in its name; a damaged one is removed."""
    for path in sorted(folder.glob(f"{stem}-*.jsa")):
        with contextlib.suppress(FileNotFoundError):
            if path.stem.endswith(f"-{_sum(path)}"):
                os.utime(path)
                return path
            path.unlink()
    return None


def publish(archive: Archive) -> Path | None:
    """Give what the ended JVM has written its name, at once and for all; None if it wrote nothing whole.

    Where another checkout was first, its archive stays.
    """
    if archive.making is None:
        return None
    folder = archive.making.parent
    try:
        with archive.making.open("rb") as file:
            complete = file.read(len(MAGIC)) == MAGIC
            os.fsync(file.fileno())
        with engines.locked(folder / "lock"):
            if complete and whole(folder, archive.stem) is None:
                archive.making.rename(folder / f"{archive.stem}-{_sum(archive.making)}.jsa")
            archive.making.unlink(missing_ok=True)
            _prune(folder)
        return whole(folder, archive.stem)
    except OSError:
        return None


def note(state: Path, service: str, archive: Archive) -> None:
    """Remember, for whoever stops the service, what its JVM will write."""
    if archive.making is not None:
        text = json.dumps({"making": str(archive.making), "stem": archive.stem})
        _noted(state, service).write_text(text, encoding="utf-8")


def writing_seconds(state: Path, service: str) -> float:
    """How much longer the service's end may take because its JVM writes an archive."""
    return WRITE_SECONDS if _noted(state, service).exists() else 0.0


def collect(state: Path, service: str) -> Path | None:
    """The service has ended: publish what its JVM has written, if one was remembered."""
    path = _noted(state, service)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
        return publish(Archive(making=Path(found["making"]), stem=found["stem"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _noted(state: Path, service: str) -> Path:
    return state / f"{service}.archive"


def _sum(path: Path) -> str:
    """CRC-32 of the whole file: 50 MB in 0.05 s, and they are in memory for the JVM then."""
    total = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            total = zlib.crc32(chunk, total)
    return f"{total:08x}"


def _prune(folder: Path) -> None:
    """Old archives, and what a JVM killed long ago left half made, go."""
    newest = sorted(folder.glob("*.jsa"), key=lambda path: path.stat().st_mtime, reverse=True)
    left = [path for path in folder.glob("making-*") if path.stat().st_mtime < time.time() - STALE_SECONDS]
    for path in (*newest[KEEP:], *left):
        path.unlink(missing_ok=True)
