"""Where a stack keeps its things: `.lockgate/` of the checkout, and the engines' data where PostgreSQL may enter."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from infra import processes
from infra.processes import Account
from schemas.errors import LockgateError

ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The folders and files of one stack."""

    #: The checkout (or a test's folder), absolute.
    root: Path
    #: Short hash of the root's path, part of names that must differ between stacks.
    digest: str
    #: pid, log, settings and port files.
    state: Path
    #: Passwords, mode 0700.
    secrets: Path
    #: The engines' data; as root outside the checkout.
    data: Path
    #: Whom PostgreSQL runs as; None when we are not root and it runs as ourselves.
    account: Account | None

    @property
    def ports(self) -> Path:
        """The port file."""
        return self.state / "ports.json"

    @property
    def endpoints(self) -> Path:
        """The file that tells where the running stack answers."""
        return self.state / "stack.json"

    @property
    def lock(self) -> Path:
        """Locked while the stack is started or stopped."""
        return self.state / "lock"

    @property
    def identity(self) -> Path:
        """Tells to which `.lockgate/` the data belongs."""
        return self.state / "identity"


def of(root: Path) -> Layout:
    """The layout of a root; makes nothing."""
    root = root.resolve()
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    home = root / ".lockgate"
    account = _account() if os.geteuid() == 0 else None
    return Layout(
        root=root,
        digest=digest,
        state=home / "stack",
        secrets=home / "secrets",
        data=_temporary() / f"lockgate-{digest}" if account else home / "data",
        account=account,
    )


def make(layout: Layout) -> None:
    """Make the folders; data, and engines, that a deleted `.lockgate/` left behind end here."""
    layout.state.mkdir(parents=True, exist_ok=True)
    layout.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    layout.secrets.chmod(0o700)
    if not layout.identity.exists():
        layout.identity.write_text(uuid.uuid4().hex, encoding="ascii")
    owner = layout.data / "identity"
    mine = layout.identity.read_text(encoding="ascii")
    _refuse_strange(layout.data)
    if layout.data.exists() and (not owner.exists() or owner.read_text(encoding="ascii") != mine):
        for name in processes.names(layout.data):
            processes.stop(layout.data, name)
        shutil.rmtree(layout.data)
    layout.data.mkdir(parents=True, exist_ok=True)
    # Others may pass through to what is theirs, and list nothing.
    layout.data.chmod(0o711)
    owner.write_text(mine, encoding="ascii")


def _refuse_strange(data: Path) -> None:
    """The folder's name can be guessed and the temporary folder is open to all: it must be a folder of our own."""
    try:
        found = data.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise LockgateError("LG-0202", f"{data} belongs to another user; remove it.")


def _account() -> Account:
    """The first unprivileged account of a known name."""
    for name in ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(name=name, uid=found.pw_uid, gid=found.pw_gid)
    raise LockgateError("LG-0202", "PostgreSQL will not run as root and this system has no account postgres or nobody.")


def _temporary() -> Path:
    """The system's temporary folder, or the first usual one that every user may enter."""
    for folder in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):
        if folder.is_dir() and all(one.stat().st_mode & stat.S_IXOTH for one in (folder, *folder.parents)):
            return folder
    return Path(tempfile.gettempdir())
