"""Passwords of the local databases: generated once, kept in files only we can read, never printed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from infra.stack.services import SERVICES, Database

#: The superuser that initdb makes.
SUPERUSER = "postgres"


def make(folder: Path) -> None:
    """Make what is missing: per database `<files>.properties` (for Connect) and `<files>.pgpass` (for libpq)."""
    for service in SERVICES:
        if service.database and not _properties(folder, service.database).exists():
            _make(folder, service.database)


def passfile(folder: Path, database: Database) -> Path:
    """The pgpass file a DSN names; it knows the owner's password and the superuser's."""
    return folder / f"{database.files}.pgpass"


def password(folder: Path, database: Database, *, superuser: bool = False) -> str:
    """The owner's password, or the superuser's of its cluster."""
    key = "superuser_password" if superuser else "password"
    lines = _properties(folder, database).read_text(encoding="ascii").splitlines()
    return dict(line.split("=", 1) for line in lines)[key]


def _properties(folder: Path, database: Database) -> Path:
    return folder / f"{database.files}.properties"


def _make(folder: Path, database: Database) -> None:
    """The properties file comes last: where it exists, the other does."""
    own, superuser = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    if database.role == SUPERUSER:
        superuser = own
    roles = {database.role: own, SUPERUSER: superuser}
    write(passfile(folder, database), "".join(f"127.0.0.1:*:*:{role}:{word}\n" for role, word in roles.items()))
    text = f"user={database.role}\npassword={own}\nsuperuser_password={superuser}\n"
    write(_properties(folder, database), text)


def write(path: Path, text: str) -> None:
    """Write a file that nobody else can read, in one step."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
    fresh.replace(path)
