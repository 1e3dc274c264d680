"""`python -m sandbox.twenty --key KEY --db FILE --ports-file FILE …`."""

from __future__ import annotations

import argparse
from pathlib import Path

from sandbox.twenty import server


def _settings() -> server.Settings:
    parser = argparse.ArgumentParser(prog="python -m sandbox.twenty", description="A strict stand-in for Twenty 2.21.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 = any free port")
    parser.add_argument("--control-port", type=int, default=0, help="0 = any free port")
    parser.add_argument("--db", default=":memory:", help="SQLite file that keeps the workspace")
    parser.add_argument("--key", required=True, help="the API key that is accepted")
    parser.add_argument("--key-name", default="api-key", help="shown in createdBy and updatedBy")
    parser.add_argument("--limit", type=int, default=100, help="calls per window, 0 = no limit")
    parser.add_argument("--window-ms", type=int, default=60_000)
    parser.add_argument("--metadata-format", choices=["new", "legacy"], default="new")
    parser.add_argument("--sign-up", action="store_true", help="sample rows and the active workflow of a sign-up")
    parser.add_argument(
        "--run-workflows-ms", type=int, help="run that workflow so long after a write, as servers with code steps do"
    )
    parser.add_argument("--ports-file", type=Path, help="written as JSON once both ports listen")
    given = parser.parse_args()
    return server.Settings(
        host=given.host,
        port=given.port,
        control_port=given.control_port,
        db=given.db,
        key=given.key,
        key_name=given.key_name,
        limit=given.limit,
        window_ms=given.window_ms,
        legacy=given.metadata_format == "legacy",
        sign_up=given.sign_up,
        run_workflows_ms=given.run_workflows_ms,
        ports_file=given.ports_file,
    )


if __name__ == "__main__":
    server.run(_settings())
