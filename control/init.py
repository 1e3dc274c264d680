"""`lockgate init`: writes a commented migration file with a fresh id namespace, never a secret."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from uuid import uuid4

from schemas import migration_file
from schemas.errors import LockgateError

_EXAMPLE_NAMESPACE = "6f0f9a5e-7a52-4c9f-9a0f-2f5b3a1d8c11"


def init(path: Path, *, migration: str, url: str, dsn_env: str, key_env: str) -> Path:
    """Writes the file; an existing one is kept (LG-0102)."""
    if path.exists():
        raise LockgateError("LG-0102", f"{path} exists already and is kept.")
    text = example()
    for old, new in (
        (_EXAMPLE_NAMESPACE, str(uuid4())),
        ("migration: acme ", f"migration: {migration} "),
        ("https://crm.example.com", url),
        ("ACME_SOURCE_DSN", dsn_env),
        ("ACME_TWENTY_KEY", key_env),
    ):
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    try:
        migration_file.load(path)
    except LockgateError:
        path.unlink()
        raise
    return path


def example() -> str:
    """The example file, as shipped."""
    return resources.files("schemas").joinpath("migration.example.yaml").read_text(encoding="utf-8")
