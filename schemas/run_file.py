"""What `start` tells the workers: where things are and whose work it is. Holds no secret, only names of variables."""

from __future__ import annotations

from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict


class RunFile(BaseModel):
    """`.lockgate/run/<m>.json`; written by `start`, read by every worker."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    migration: str
    generation: int = 1
    source: str  #: source kind
    kafka: str  #: bootstrap servers
    ledger_dsn: str  #: without a password; a passfile or the variable below has it
    ledger_dsn_env: str | None = None  #: variable that holds the whole DSN, for `engine: {…}`
    destination: str  #: destination kind
    destination_url: str
    destination_key_env: str
    topics: tuple[str, ...]  #: cdc topics, all made beforehand
    data_dir: Path  #: for Faust's own files
    http_timeout_s: float = 10.0

    @property
    def lease_s(self) -> float:
        """How long a claim holds: three times the HTTP timeout, so that no call of ours outlives it."""
        return 3 * self.http_timeout_s

    @classmethod
    def load(cls, path: Path) -> RunFile:
        """Reads the file."""
        return cls.model_validate(orjson.loads(path.read_bytes()))

    def is_saved(self, path: Path) -> bool:
        """Whether the file says just this already."""
        try:
            return RunFile.load(path) == self
        except (OSError, ValueError):
            return False

    def save(self, path: Path) -> None:
        """Writes the file for its owner alone."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_INDENT_2))
        path.chmod(0o600)
