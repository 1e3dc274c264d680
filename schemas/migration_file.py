"""`migration.yaml`: what a person writes. Unknown key = error with its line; secrets only by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from schemas import yaml_lines
from schemas.errors import LockgateError

#: A name of an environment variable, never a secret itself.
EnvName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Strict):
    """Where people work today."""

    kind: Literal["atomic_crm"] = Field(description="The source CRM.")
    dsn_env: EnvName = Field(description="Environment variable that holds the PostgreSQL DSN.")
    schema_name: str = Field(default="public", description="PostgreSQL schema of the CRM's tables.")


class Limits(_Strict):
    """The destination's own rate limit; Twenty 2.21: 100 calls per 60,000 ms a workspace."""

    calls: int = Field(default=100, ge=0, description="Calls per window; 0 = no limit.")
    window_ms: int = Field(default=60_000, ge=1, description="Length of the window in milliseconds.")


class Destination(_Strict):
    """Where they will work."""

    kind: Literal["twenty"] = Field(description="The destination CRM.")
    url: str = Field(description="Base address, without /rest and without a password.")
    key_env: EnvName = Field(description="Environment variable that holds the API key.")
    limits: Limits = Field(default_factory=Limits)

    @field_validator("url")
    @classmethod
    def _an_address(cls, url: str) -> str:
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise ValueError("must be http(s)://host without user or password")
        return url.strip().rstrip("/")


class Engine(_Strict):
    """Kafka, Connect and the ledger, when they are not the local stack."""

    kafka: str = Field(description="Bootstrap servers, host:port.")
    connect: str = Field(description="Base address of Kafka Connect's REST API.")
    ledger_dsn_env: EnvName = Field(description="Environment variable that holds the ledger's DSN.")
    source_password: str | None = Field(
        default=None, description="How Connect finds the source's password: a config provider's reference, ${file:…}."
    )

    @field_validator("source_password")
    @classmethod
    def _a_reference(cls, text: str | None) -> str | None:
        if text is not None and not (text.startswith("${") and text.endswith("}")):
            raise ValueError("must be a reference such as ${file:/etc/connect/source.properties:password}")
        return text


class Policies(_Strict):
    """Decisions taken once. Only what this version does may be chosen."""

    duplicates: Literal["keep_both"] = Field(
        default="keep_both",
        description="A unique value claimed twice: the smallest key keeps it, others carry it as text.",
    )
    match: Literal["ask"] = Field(default="ask", description="A row that was in the destination before us: ask.")
    on_deleted_twin: Literal["leave"] = Field(default="leave", description="A record deleted there by a person: leave.")
    deletes: Literal["soft"] = Field(default="soft", description="A deleted source row: soft-delete its record.")
    owner_unmatched: Literal["block", "hold"] = Field(
        default="block",
        description="An owner without a member of that e-mail: block the start, or go on without owner, listed.",
    )
    replica_identity: Literal["keep"] = Field(
        default="keep", description="The source's replica identity is not changed."
    )
    accept_workflows: tuple[str, ...] = Field(
        default=(), description="Names of active destination workflows that may react to our writes."
    )


class MigrationFile(_Strict):
    """One migration."""

    migration: str = Field(pattern=r"^[a-z][a-z0-9]{0,30}$", description="Name; prefix of topics, slot and ledger.")
    id_namespace: UUID = Field(description="Every id we make is a uuid5 under it; never change it once started.")
    source: Source
    destination: Destination
    engine: Literal["local"] | Engine = Field(default="local", description="`local` = the stack of `lockgate up`.")
    mappings: str | None = Field(default=None, description="Folder with mapping files that replace the default ones.")
    policies: Policies = Field(default_factory=Policies)


def load(path: Path) -> MigrationFile:
    """Reads and checks the file. Raises LG-0101, or LG-0102 with `file:line: what` for every fault at once."""
    if not path.is_file():
        raise LockgateError("LG-0101", str(path))
    document = yaml_lines.parse(path.read_bytes())
    faults = [f"{path.name}:{line}: {what}" for line, what in document.faults]
    if not faults:
        try:
            return MigrationFile.model_validate(document.data)
        except ValidationError as error:
            faults = [_fault(path.name, document, one) for one in error.errors(include_url=False, include_input=False)]
    raise LockgateError("LG-0102", f"{len(faults)} fault(s); the first: {faults[0]}", details=faults)


def json_schema() -> dict[str, Any]:
    """The JSON Schema that ships for editors, `schemas/json/migration.schema.json`."""
    schema = MigrationFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _fault(name: str, document: yaml_lines.Document, error: Any) -> str:
    steps = [step for step in error["loc"] if step not in ("Engine", "literal['local']")]
    where = ".".join(str(step) for step in steps)
    if error["type"] == "extra_forbidden":
        return f"{name}:{document.line(*steps)}: unknown key {steps[-1]!r}"
    said = error["msg"].removeprefix("Value error, ")
    return f"{name}:{document.line(*steps)}: {where or 'the file'}: {said}"
