"""API keys: opaque texts here, JWTs on a real server; revoked and expired ones are refused in its words."""

from __future__ import annotations

from sandbox.twenty.errors import forbidden, unauthenticated


class Keys:
    """Known keys with their names and states."""

    def __init__(self, key: str, name: str = "api-key") -> None:
        self._names = {key: name}
        self._revoked: set[str] = set()
        self._expired: set[str] = set()

    def add(self, key: str, name: str) -> None:
        """A further key."""
        self._names[key] = name

    def revoke(self, key: str) -> None:
        """From now on 403."""
        self._revoked.add(key)

    def expire(self, key: str) -> None:
        """From now on 401."""
        self._expired.add(key)

    def restore(self, key: str) -> None:
        """Valid again."""
        self._revoked.discard(key)
        self._expired.discard(key)

    def name_of(self, authorization: str | None) -> str:
        """The name of the key in an Authorization header. Raises 401 and 403."""
        if not authorization:
            raise forbidden("Missing authentication token")
        key = authorization.removeprefix("Bearer ")
        if key not in self._names:
            raise unauthenticated("Token invalid.")
        if key in self._revoked:
            raise forbidden("This API Key is revoked")
        if key in self._expired:
            raise unauthenticated("Token has expired.")
        return self._names[key]
