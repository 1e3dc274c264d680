"""What the adapter must be told: where the server is, its key, and how long one call may take."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class Settings(BaseModel):
    """A Twenty server. `hide_input_in_errors` keeps the key out of pydantic's own messages (law 8)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str  #: base address, `https://crm.example.com`, without `/rest`; proxies of the environment are not used
    key: SecretStr  #: an API key of a role with admin rights (`twenty.md` 6)
    timeout_s: float = Field(default=10.0, gt=0)  #: one deadline for a whole call; with a margin it is below the lease
    batch_size: int = Field(default=200, ge=1, le=200)  #: Twenty 2.21 takes 200 records a call, below 1.6 60 (`1.4`)

    @field_validator("url")
    @classmethod
    def _an_address_without_a_password(cls, url: str) -> str:
        parts = urlsplit(url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be http://host or https://host")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must hold no user, password, query or fragment")
        return url.strip().rstrip("/").removesuffix("/rest")
