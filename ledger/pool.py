"""Connections for the threads of one process: opened on demand, kept while they work, dropped when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from ledger import connection
from ledger.connection import Connection


class Pool:
    """Hands one connection to one thread at a time; as many as there are threads at work."""

    def __init__(self, dsn: str, migration: str, application: str) -> None:
        self._dsn = dsn
        self._migration = migration
        self._application = application
        self._idle: SimpleQueue[Connection] = SimpleQueue()

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """A connection for this block. Raises LG-0208 when none can be opened; a broken one is not given out again."""
        conn = self._take()
        try:
            yield conn
        except BaseException:
            conn.close()
            raise
        self._idle.put(conn)

    def close(self) -> None:
        """Closes the idle ones."""
        try:
            while True:
                self._idle.get_nowait().close()
        except Empty:
            return

    def _take(self) -> Connection:
        try:
            while True:
                conn = self._idle.get_nowait()
                if not conn.closed and not conn.broken:
                    return conn
        except Empty:
            return connection.open_ledger(self._dsn, self._migration, self._application)
