"""The connector's configuration and what becomes of Connect's answers, against a local socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connectors import debezium
from schemas.catalog import Column, Table
from schemas.errors import LockgateError

GOLDEN = Path(__file__).parents[2] / "golden" / "debezium_config.json"
SOURCE = debezium.Source(
    host="db.example", port=5432, database="crm", user="mover", secret_file=Path("/secrets/source.properties")
)
TABLES = (
    Table(name="public.sales", key=("id",), columns={"id": Column(name="id", type="bigint")}),
    Table(
        name="public.companies",
        key=("id",),
        columns={
            "id": Column(name="id", type="bigint"),
            "name_search": Column(name="name_search", type="text", generated=True),
        },
    ),
)
CONFIG = debezium.config("acme", SOURCE, TABLES)


def test_whole_configuration() -> None:
    """Every option is deliberate: a change shows here (`engine.md` 3)."""
    assert json.loads(GOLDEN.read_text(encoding="utf-8")) == CONFIG


def test_without_generated_columns_nothing_is_excluded() -> None:
    """An empty exclusion list would be a pattern that Debezium has to read."""
    assert "column.exclude.list" not in debezium.config("acme", SOURCE, TABLES[:1])


def test_names_of_topics() -> None:
    """`<m>.cdc.<schema>.<table>` and the topics beside it (DESIGN 2)."""
    assert debezium.row_topics("acme", TABLES) == ("acme.cdc.public.sales", "acme.cdc.public.companies")
    assert debezium.side_topics("acme") == ("acme.cdc.message", "acme.cdc.transaction", "acme.heartbeat.acme.cdc")


def test_row_topics_are_not_compacted() -> None:
    """A TRUNCATE's event has no key and would end the connector (ADR-0003)."""
    assert debezium.ROW_TOPIC["cleanup.policy"] == "delete"
    assert debezium.ROW_TOPIC["retention.ms"] == "-1"


def test_secret_file(tmp_path: Path) -> None:
    """ASCII escapes only, and readable by its owner only, also where a wider file lay before."""
    file = tmp_path / "new" / "s.properties"
    debezium.write_secret(file, "a=é😀")
    assert file.read_text() == "password=\\u0061\\u003d\\u00e9\\ud83d\\ude00\n"
    file.chmod(0o644)
    debezium.write_secret(file, "b")
    assert file.read_text() == "password=\\u0062\n"
    assert file.stat().st_mode & 0o777 == 0o600


Answer = tuple[int, Any]


@contextmanager
def connect_says(*answers: Answer) -> Iterator[tuple[str, list[tuple[str, str, Any]]]]:
    """A socket that gives these answers in turn, the last one for ever; its URL and what it was asked."""
    asked: list[tuple[str, str, Any]] = []
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.command, self.path, json.loads(body) if body else None))
            code, value = left.pop(0) if len(left) > 1 else left[0]
            raw = value.encode() if isinstance(value, str) else json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(raw) if code != 204 else 0))
            self.end_headers()
            if code != 204:
                self.wfile.write(raw)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://user:s3cret@127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _status(state: str, *tasks: str, trace: str = "") -> dict[str, Any]:
    return {
        "connector": {"state": state},
        "tasks": [{"state": task, **({"trace": trace} if trace else {})} for task in tasks],
    }


def test_nobody_listens_is_lg_0207_without_the_password() -> None:
    """An unreachable Connect is one error with its address, never with its credentials (law 8)."""
    with connect_says((200, {})) as (url, _):
        pass
    with pytest.raises(LockgateError) as refused:
        debezium.status(url, "acme")
    assert refused.value.code == "LG-0207"
    assert "s3cret" not in str(refused.value)
    assert "ConnectionError" in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((500, {"message": "IO Error trying to forward"}), "500 IO Error trying to forward"),
        ((400, {"message": "Connector configuration is invalid"}), "400 Connector configuration is invalid"),
        ((502, "<html>bad gateway</html>"), "502 <html>bad gateway</html>"),
        ((200, "no json"), "not JSON"),
        ((404, {"message": "No such plugin"}), "404 No such plugin"),
    ],
)
def test_refusals_are_lg_0207(answer: Answer, said: str) -> None:
    """Whatever Connect refuses with is named once, with its words."""
    with connect_says(answer) as (url, _), pytest.raises(LockgateError) as refused:
        debezium.validate(url, CONFIG)
    assert refused.value.code == "LG-0207"
    assert said in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_validation_lists_what_is_wrong() -> None:
    """Each error is named by its option."""
    fields = [
        {"value": {"name": "slot.name", "errors": ["too long", "odd"]}},
        {"value": {"name": "topic.prefix", "errors": []}},
    ]
    with connect_says((200, {"configs": fields})) as (url, asked):
        assert debezium.validate(url, CONFIG) == ["slot.name: too long", "slot.name: odd"]
    assert asked == [("PUT", f"/connector-plugins/{debezium.CLASS}/config/validate", {**CONFIG, "name": "lockgate"})]


def test_new_connector_is_put() -> None:
    """Unknown to Connect: configured once."""
    with connect_says((404, {"message": "not found"}), (201, {})) as (url, asked):
        assert debezium.apply(url, "acme", CONFIG) is True
    assert asked[1:] == [("PUT", "/connectors/acme/config", {**CONFIG, "name": "acme"})]


@pytest.mark.parametrize(
    ("status", "then"),
    [
        (_status("RUNNING", "RUNNING"), []),
        (_status("STOPPED"), [("PUT", "/connectors/acme/resume", None)]),
        (_status("PAUSED", "PAUSED"), [("PUT", "/connectors/acme/resume", None)]),
        (
            _status("RUNNING", "FAILED"),
            [("POST", "/connectors/acme/restart?includeTasks=true&onlyFailed=true", None)],
        ),
    ],
)
def test_known_connector_is_only_set_going(status: Any, then: list[Any]) -> None:
    """The same configuration is never put again: that would restart a healthy task."""
    with connect_says((200, {**CONFIG, "name": "acme"}), (200, status), (204, "")) as (url, asked):
        assert debezium.apply(url, "acme", CONFIG) is False
    assert asked[2:] == then


def test_changed_configuration_is_put() -> None:
    """One option differs: put."""
    with connect_says((200, {**CONFIG, "name": "acme", "poll.interval.ms": "500"}), (200, {})) as (url, asked):
        assert debezium.apply(url, "acme", CONFIG) is True
    assert [method for method, _, _ in asked] == ["GET", "PUT"]


def test_rebalance_is_waited_out() -> None:
    """409 means ask again."""
    with connect_says((409, {"message": "rebalance"}), (200, _status("RUNNING", "RUNNING"))) as (url, asked):
        assert debezium.status(url, "acme") == debezium.Status(state="RUNNING", tasks=("RUNNING",))
    assert len(asked) == 2


def test_failure_is_lg_0304_with_its_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    """The messages of the trace and its causes, without the frames."""
    monkeypatch.setattr(debezium, "FAILED_SECONDS", 0.05)
    trace = "org.X: it broke\n\tat a.b(C.java:1)\nCaused by: no slot\n\t... 3 more"
    with (
        connect_says((200, _status("RUNNING", "FAILED", trace=trace))) as (url, _),
        pytest.raises(LockgateError) as failed,
    ):
        debezium.wait_running(url, "acme", seconds=20)
    assert failed.value.code == "LG-0304"
    assert failed.value.details == ("org.X: it broke", "Caused by: no slot")


def test_failure_left_behind_by_a_restart_is_passed_over() -> None:
    """A restart is asynchronous: FAILED, then RUNNING, is running."""
    with connect_says((200, _status("RUNNING", "FAILED")), (200, _status("RUNNING", "RUNNING"))) as (url, _):
        assert debezium.wait_running(url, "acme", seconds=20).tasks == ("RUNNING",)


def test_never_running_is_lg_0304() -> None:
    """The time is bounded."""
    with connect_says((404, {"message": "not found"})) as (url, _), pytest.raises(LockgateError) as late:
        debezium.wait_running(url, "acme", seconds=0.3)
    assert late.value.code == "LG-0304"
    assert "MISSING" in str(late.value)


@pytest.mark.parametrize(
    ("answer", "offset"),
    [
        ((404, {"message": "not found"}), debezium.Offset(lsn=None, snapshot=True, raw={})),
        ((200, {"offsets": []}), debezium.Offset(lsn=None, snapshot=True, raw={})),
        (
            (200, {"offsets": [{"partition": {}, "offset": {"lsn": 7, "snapshot": "INITIAL"}}]}),
            debezium.Offset(lsn=7, snapshot=True, raw={"lsn": 7, "snapshot": "INITIAL"}),
        ),
        (
            (200, {"offsets": [{"partition": {}, "offset": {"lsn": 9}}]}),
            debezium.Offset(lsn=9, snapshot=False, raw={"lsn": 9}),
        ),
    ],
)
def test_offsets(answer: Answer, offset: debezium.Offset) -> None:
    """Nothing stored and a snapshot under way are both not streaming yet."""
    with connect_says(answer) as (url, _):
        assert debezium.offsets(url, "acme") == offset


def test_delete_forgets_the_offsets_first() -> None:
    """Kept offsets would make the next connector of this name start in the middle (`engine.md` 3)."""
    answers = [(202, {}), (200, _status("STOPPED")), (200, {}), (200, {}), (204, ""), (404, {"message": "gone"})]
    with connect_says(*answers) as (url, asked):
        debezium.delete(url, "acme")
    assert [(method, path) for method, path, _ in asked] == [
        ("PUT", "/connectors/acme/stop"),
        ("GET", "/connectors/acme/status"),
        ("GET", "/connectors/acme"),
        ("DELETE", "/connectors/acme/offsets"),
        ("DELETE", "/connectors/acme"),
        ("GET", "/connectors/acme/status"),
    ]


def test_delete_of_nothing_is_done() -> None:
    """Repeatable."""
    with connect_says((404, {"message": "not found"})) as (url, asked):
        debezium.delete(url, "acme")
    assert [method for method, _, _ in asked] == ["PUT", "GET"]


def test_connector_that_will_not_stop_is_lg_0207() -> None:
    """Bounded, named."""
    with (
        connect_says((202, {}), (200, _status("RUNNING", "RUNNING"))) as (url, _),
        pytest.raises(LockgateError) as stuck,
    ):
        debezium.stop(url, "acme", seconds=0.2)
    assert stuck.value.code == "LG-0207"
