"""Starting the stack when something is wrong: told with the log's tail, and nothing left running."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from infra import kafka, postgres, processes
from infra import stack as engines
from infra.processes import State
from infra.stack import engines as engines_
from infra.stack import layout
from schemas.errors import LockgateError

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]

UP = """
import sys
from pathlib import Path
from infra import stack
stack.up(Path(sys.argv[1]), lambda name, state, seconds: print(name, state.value, flush=True))
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A root of its own, with a space in its path, wiped afterwards."""
    folder = tmp_path / "a root"
    folder.mkdir()
    yield folder
    engines.wipe(folder)
    assert not layout.of(folder).data.exists()


def test_a_service_that_ends_while_starting_is_told_with_its_log(root: Path) -> None:
    """LG-0202 carries the log's tail; what had started beside it is stopped again."""
    with pytest.raises(LockgateError) as failed:
        engines.up(root, jvm=["-XX:NoSuchFlag"])
    assert failed.value.code == "LG-0202"
    assert "kafka could not be prepared" in failed.value.message()
    place = layout.of(root)
    (place.data / "kafka.prepared").touch()
    with pytest.raises(LockgateError) as failed:
        engines.up(root, jvm=["-XX:NoSuchFlag"])
    assert failed.value.code == "LG-0202"
    assert "kafka ended while it started" in failed.value.message()
    assert any("NoSuchFlag" in line for line in failed.value.details)
    assert {one.state for one in engines.status(root)} == {State.STOPPED}


def test_ctrl_c_during_the_start_leaves_no_process(root: Path) -> None:
    """SIGINT while the broker starts: the command ends by it, after stopping what it had started."""
    with subprocess.Popen([sys.executable, "-c", UP, str(root)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line == "kafka starting\n":
                break
        child.send_signal(signal.SIGINT)
        child.stdout.read()
    assert child.returncode == -signal.SIGINT
    assert {one.state for one in engines.status(root)} == {State.STOPPED}


@pytest.fixture(scope="module")
def beside(stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root of a second stack beside the session's; its class archives are in a cache of their own."""
    folder = tmp_path_factory.mktemp("beside")
    cache = folder / "cache" / "lockgate"
    cache.mkdir(parents=True)
    for fetched in engines_.jars_folder().parent.iterdir():
        if fetched.is_dir() and fetched != engines_.archives_folder():
            (cache / fetched.name).symlink_to(fetched)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache.parent))
        try:
            engines.up(folder)
            yield folder
        finally:
            engines.wipe(folder)


def test_two_stacks_run_side_by_side_and_both_answer(stack, beside: Path) -> None:
    """Two roots, two stacks: no address in common; each has its own topics, tables and Connect."""
    both = [stack.endpoints, engines.endpoints(beside)]
    addresses = [{one.kafka, one.connect, one.source_dsn, one.ledger_dsn} for one in both]
    assert len(addresses[0] | addresses[1]) == 8
    topics = [f"t-{secrets.token_hex(4)}" for _ in both]
    for one, topic in zip(both, topics, strict=True):
        kafka.ensure_topics(one.kafka, {topic: (1, {})})
        for dsn, role in ((one.source_dsn, "postgres"), (one.ledger_dsn, "lockgate")):
            with postgres.connect(dsn, application="test", error="LG-0208") as connection:
                assert connection.execute("select current_user").fetchone() == (role,)
        assert requests.get(f"{one.connect}/connectors", timeout=10).status_code == 200
    for one, topic in zip(both, topics, strict=True):
        assert list(kafka.topic_ids_and_counts(one.kafka, topics)) == [topic]


def test_the_second_start_uses_the_archives_and_a_corrupt_one_does_not_hinder(stack, beside: Path) -> None:
    """The first clean stop leaves archives of broker and Connect; the broker's is mapped, Connect's was damaged.

    The stack beside which it is stopped goes on.
    """
    assert mapped(beside) == {"kafka": False, "connect": False}
    pids = [one.pid for one in engines.status(beside)]
    engines.down(beside)
    assert [pid for pid in pids if pid is not None and processes.started(pid)] == []
    engines.check(stack.root)
    made = {path.name.split("-")[0]: path for path in engines_.archives_folder().glob("*.jsa")}
    assert sorted(made) == ["connect", "kafka"]
    with made["connect"].open("r+b") as file:
        made["connect"].chmod(0o600)
        file.seek(made["connect"].stat().st_size // 2)
        file.write(b"no class at all")
    engines.up(beside)
    engines.check(beside)
    assert mapped(beside) == {"kafka": True, "connect": False}
    assert not made["connect"].exists()


def mapped(root: Path) -> dict[str, bool]:
    """Of broker and Connect: whether it has an archive of ours in its memory (proc(5))."""
    folder = str(engines_.archives_folder())
    found = {one.name: one.pid for one in engines.status(root)}
    return {name: folder in Path(f"/proc/{found[name]}/maps").read_text() for name in ("kafka", "connect")}
