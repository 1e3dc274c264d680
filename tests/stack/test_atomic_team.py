"""The editing team in a real PostgreSQL: repeatable, considerate, and at everything an Atomic CRM holds."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from sandbox.atomic_crm import eras, generator, merges, team
from sandbox.atomic_crm.eras import Era

pytestmark = pytest.mark.stack
#: Moments of today's clock, as PostgreSQL writes them in UTC.
_CLOCK = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+00")


def _filled(stack: Any, era: Era = Era.HEAD) -> str:
    dsn: str = stack.new_source()
    generator.create(dsn, era)
    generator.load(dsn, generator.generate(seed=7, scale=0.05, era=era))
    return dsn


def _edit(dsn: str, *, seed: int, changes: int, swaps: bool = False) -> dict[str, Any]:
    return team.work(dsn, rate=1e6, seed=seed, seconds=None, stop=threading.Event(), changes=changes, swaps=swaps)


def _dump(dsn: str, era: Era) -> dict[str, list[str]]:
    """Every row as text; clocks apart."""
    found = {}
    with psycopg.connect(dsn) as connection:
        connection.execute("set timezone = 'UTC'")
        for name in generator.generate(seed=7, scale=0.001, era=era).tables():
            query = f'select t::text from "{eras.table(era, name)}" t order by id'
            found[name] = [_CLOCK.sub("", row[0]) for row in connection.execute(query.encode())]
    return found


@pytest.mark.parametrize("era", list(Era))
def test_team_repeats_itself(stack: Any, era: Era) -> None:
    """The same seed on the same data makes the same edits of every kind; clocks apart, both databases end equal."""
    dumps, kinds, refused = [], [], []
    for _ in range(2):
        dsn = _filled(stack, era)
        summary = _edit(dsn, seed=11, changes=3000)
        kinds.append(summary["kinds"])
        refused.append(summary["refused"])
        dumps.append(_dump(dsn, era))
    assert dumps[0] == dumps[1]
    assert kinds[0] == kinds[1]
    missing = team.NEW if era in eras.OLD else frozenset()
    assert (set(team.EDITS) | {"burst"}) - missing == set(kinds[0])
    assert refused[0] == refused[1] < 40


def test_team_leaves_donors_alone(stack: Any) -> None:
    """Rows whose unique values others copy keep them: no two records ever want each other's value."""
    dsn = _filled(stack)
    query = (
        f"select 'c', id, website::text from companies where id % {team.DONORS} = 0 union all "
        f"select 'p', id, email_jsonb::text from contacts where id % {team.DONORS} = 0 order by 1, 2"
    ).encode()
    with psycopg.connect(dsn, autocommit=True) as connection:
        last = {
            t: connection.execute(f"select max(id) from {t}".encode()).fetchone() for t in ("companies", "contacts")
        }
        before = connection.execute(query).fetchall()
        _edit(dsn, seed=5, changes=2000)
        limit = {"c": last["companies"], "p": last["contacts"]}
        after = [row for row in connection.execute(query).fetchall() if row[1] <= limit[row[0]][0]]  # type: ignore[index]
    assert after == before


def test_given_up_values_change_hands_only_when_asked(stack: Any) -> None:
    """Without `--swaps` no company has a website that another had, but a donor's; with it some have (H-25)."""
    taken = {}
    for swaps in (False, True):
        dsn = _filled(stack)
        query = "select id, website::text from companies where website is not null"
        with psycopg.connect(dsn, autocommit=True) as connection:
            before = dict(connection.execute(query.encode()).fetchall())
            _edit(dsn, seed=4, changes=1500, swaps=swaps)
            after = dict(connection.execute(query.encode()).fetchall())
        donors = {site for id_, site in before.items() if id_ % team.DONORS == 0}
        old = set(before.values()) - donors
        taken[swaps] = [id_ for id_, site in after.items() if site in old and before.get(id_) != site]
    assert taken[False] == []
    assert taken[True] != []


def test_merging_as_the_edge_function_keeps_orders(stack: Any) -> None:
    """The winner's e-mails first, as they were; notes, tasks and deals follow (`atomic_crm.md` 5.10)."""
    dsn = _filled(stack)
    with psycopg.connect(dsn, autocommit=True) as connection:
        desk = team.desks.sit_down(connection, 3)

        def contact(mails: list[str], tags: list[int], title: str | None) -> int:
            items = Jsonb([{"email": mail, "type": "Work"} for mail in mails] + [{"email": "", "type": "Home"}])
            return desk.insert(connection, "contacts", email_jsonb=items, tags=tags, title=title)

        winner = contact(["long.name@example.com", "b@x.example"], [2, 1], None)
        loser = contact(["a@x.example", "b@x.example"], [3, 2], "Boss")
        desk.known["contacts"][:] = [winner, loser]
        task = desk.insert(connection, "tasks", contact_id=loser)
        note = desk.insert(connection, "contact_notes", contact_id=loser)
        deal = desk.insert(connection, "deals", name="d", stage="won", contact_ids=[loser, 1])
        with connection.transaction():
            assert merges.merge_into(desk, connection, winner, loser) == 5
        row = connection.execute(
            "select array(select e ->> 'email' from jsonb_array_elements(email_jsonb) e), tags, title from contacts"
            " where id = any (%s)",
            [[winner, loser]],
        ).fetchall()
        follow = connection.execute(
            "select (select contact_id from tasks where id = %s), (select contact_id from contact_notes where id = %s),"
            " (select contact_ids from deals where id = %s)",
            [task, note, deal],
        ).fetchone()
    assert row == [(["long.name@example.com", "b@x.example", "a@x.example"], [2, 1, 3], "Boss")]
    assert follow == (winner, winner, [1, winner])
    assert desk.known["contacts"] == [winner]


def test_contacts_with_a_null_among_their_emails_cannot_be_merged(stack: Any) -> None:
    """Both ways end in an error upstream: nothing changes."""
    dsn = _filled(stack)
    with psycopg.connect(dsn, autocommit=True) as connection:
        desk = team.desks.sit_down(connection, 3)
        nulls = desk.insert(connection, "contacts", email_jsonb=Jsonb([None, {"email": "n@x.example"}]))
        other = desk.insert(connection, "contacts", email_jsonb=Jsonb([{"email": "o@x.example"}]))
        assert merges.merge_into(desk, connection, other, nulls) == 0
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            connection.execute("select merge_contacts(%s, %s)", [nulls, other])
        row = connection.execute("select count(*) from contacts where id = any (%s)", [[nulls, other]]).fetchone()
    assert row == (2,)


def test_a_drag_renumbers_its_column(stack: Any) -> None:
    """Kanban cards lie at 0, 1, 2, … below a new one: N updates, only `index` differs (`atomic_crm.md` 5.11)."""
    dsn = _filled(stack)
    with psycopg.connect(dsn, autocommit=True) as connection:
        desk = team.desks.sit_down(connection, 3)
        count = team.EDITS["insert_deal"][1](desk, connection)
        new = desk.known["deals"][-1]
        query = (
            'select o.id, o."index" from deals o, deals d where d.id = %s and o.stage = d.stage'
            ' and o.archived_at is null order by o."index", o.id'
        )
        column = connection.execute(query, [new]).fetchall()
    assert column[0] == (new, 0)
    assert [index for _, index in column] == list(range(len(column)))
    assert 1 < count <= len(column)


def test_a_note_moves_last_seen_in_its_transaction(stack: Any) -> None:
    """The note's trigger writes the contact in the same transaction (`atomic_crm.md` 1.5)."""
    dsn = _filled(stack)
    with psycopg.connect(dsn, autocommit=True) as connection:
        desk = team.desks.sit_down(connection, 3)
        desk.known["contacts"][:] = [
            row[0] for row in connection.execute("select id from contacts where last_seen < now() order by id limit 1")
        ]
        with connection.transaction():
            team.EDITS["note"][1](desk, connection)
            now = connection.execute("select now()").fetchone()
        row = connection.execute("select last_seen from contacts where id = %s", [desk.any("contacts")]).fetchone()
    assert row == now


def test_team_stops_on_sigterm_with_a_summary(stack: Any) -> None:
    """As a process: the pace is kept, SIGTERM ends it, the last line is JSON and counts what was written."""
    dsn = _filled(stack)
    command = [sys.executable, "-m", "sandbox.atomic_crm.team", "--dsn", dsn, "--rate", "40", "--seed", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        with psycopg.connect(dsn, autocommit=True) as connection:
            deadline = time.monotonic() + 60
            while not _edited(connection):
                assert time.monotonic() < deadline
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    summary = json.loads(output.splitlines()[-1])
    assert summary["changes"] == sum(summary["kinds"].values()) >= 20
    # A kanban column, a cascade or a burst is one transaction or one breath, so it may go beyond the pace at the end.
    assert summary["changes"] - summary["kinds"].get("burst", 0) <= summary["seconds"] * 40 + 120


def _edited(connection: psycopg.Connection[Any]) -> bool:
    row = connection.execute(
        "select (pg_stat_get_tuples_inserted('contacts'::regclass) - 250)"
        " + pg_stat_get_tuples_updated('contacts'::regclass) + pg_stat_get_tuples_updated('companies'::regclass)"
    ).fetchone()
    assert row is not None
    return int(row[0]) >= 20
