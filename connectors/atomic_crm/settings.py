"""How to reach an Atomic CRM's PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr

from connectors import debezium
from infra import postgres
from infra.postgres import Connection

KIND = "atomic_crm"
ERROR = "LG-0301"


class Settings(BaseModel):
    """The source as the migration file names it, its secret resolved."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dsn: SecretStr  #: URL or key=value; a role with REPLICATION that row level security does not blind
    schema_: str = "public"  #: where the CRM's tables are

    def address(self) -> str:
        """host:port/database: all that may be printed."""
        return postgres.address(self.dsn.get_secret_value())


def connect(settings: Settings, *, purpose: str, autocommit: bool = True) -> Connection:
    """A session in UTC that finds `citext` in Supabase's schema; LG-0301 if the server cannot be reached."""
    dsn = settings.dsn.get_secret_value()
    conn = postgres.connect(dsn, application=f"lockgate-{purpose}", error=ERROR, autocommit=autocommit)
    conn.execute(
        "select set_config('TimeZone', 'UTC', false), set_config('search_path', %s, false)",
        [f"{settings.schema_}, extensions"],
    )
    if not autocommit:
        conn.commit()
    return conn


def debezium_source(settings: Settings, conn: Connection, secret_file: Path) -> debezium.Source:
    """The same place in the connector's words, as libpq resolved it; `secret_file` holds `password=…`."""
    parts = postgres.settings_of(settings.dsn.get_secret_value(), error=ERROR)
    info = conn.info
    return debezium.Source(
        host=info.hostaddr if info.host.startswith("/") else info.host,
        port=info.port,
        database=info.dbname,
        user=info.user,
        secret_file=secret_file,
        sslmode=str(parts.get("sslmode") or "prefer"),
    )


def keep_password(conn: Connection, secret_file: Path) -> None:
    """Writes the password this session logged in with (from DSN, passfile or environment) for the connector."""
    debezium.write_secret(secret_file, conn.info.password)
