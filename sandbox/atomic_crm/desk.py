"""What the editing team knows of the source, and how it writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from sandbox.atomic_crm import configuration, eras, words
from sandbox.atomic_crm.eras import Era

DONORS = 7
FEW = 20  #: below that many rows of a table the team deletes none
Conn = psycopg.Connection[tuple[Any, ...]]


@dataclass(kw_only=True)
class Desk:
    """The rows the team may touch, by head name of their table, in the order it learned of them."""

    rng: Random
    era: Era
    known: dict[str, list[int]]
    stages: Sequence[str]
    donor_sites: Sequence[str]
    donor_emails: Sequence[str]
    serial: int = 0  #: makes every new value one that never was
    done: Counter[str] = field(default_factory=Counter)  #: row changes by kind of edit
    refused: int = 0  #: transactions that the data or somebody else's edit made impossible

    def any(self, table: str) -> int:
        """A row to edit."""
        return self.rng.choice(self.known[table])

    def owner(self) -> int:
        """Somebody who may own records."""
        return self.any("sales")

    def learn(self, table: str, id_: int) -> None:
        """A new row; donors' ids are left alone from the start."""
        if table not in ("companies", "contacts") or id_ % DONORS:
            self.known[table].append(id_)

    def forget(self, table: str, ids: Iterable[int]) -> int:
        """Rows that are gone; how many were named."""
        lost = set(ids)
        self.known[table][:] = [id_ for id_ in self.known[table] if id_ not in lost]
        return len(lost)

    def fresh(self, name: str) -> str:
        """A host label nobody has used."""
        self.serial += 1
        return f"{words.slug(name)}-t{self.serial}"

    def site(self) -> str:
        """A new website; one in ten is a donor's, so a duplicate."""
        if self.donor_sites and self.rng.random() < 0.1:
            return self.rng.choice(self.donor_sites)
        return f"https://{self.fresh(words.company(self.rng))}.example"

    def emails(self) -> dict[str, Any]:
        """Columns with new e-mails; some are shared with a donor, some hold what real ones hold."""
        local = self.fresh(self.rng.choice(words.FIRST))
        items: list[Any] = [{"email": f"{local}@{self.rng.choice(words.RETAIL)}", "type": "Work"}]
        odd = self.rng.random()
        if self.donor_emails and odd < 0.1:
            items.insert(0, {"email": self.rng.choice(self.donor_emails), "type": "Work"})
        elif odd < 0.2:
            items.append(None)
        elif odd < 0.25:
            items.append({"email": "not-an-email", "type": "Other"})
        if self.era is Era.V1_0_0:
            return {"email": items[0]["email"]}
        return {"email_jsonb": Jsonb(items)}

    def phones(self) -> dict[str, Any]:
        """Columns with new phones, one in ten unreadable."""
        number = "ask the desk" if self.rng.random() < 0.1 else words.phone(self.rng)
        kind = self.rng.choice(("Work", "Home", "Other", ""))
        if self.era is Era.V1_0_0:
            return {"phone_1_number": number, "phone_1_type": kind}
        return {"phone_jsonb": Jsonb([{"number": number, "type": kind}])}

    def table(self, name: str) -> sql.Identifier:
        """The table as this era calls it."""
        return sql.Identifier("public", eras.table(self.era, name))

    def run(self, conn: Conn, query: str, values: Sequence[Any] = (), **tables: str) -> psycopg.Cursor[tuple[Any, ...]]:
        """One statement; `{name}` in it stands for the table passed as `name=`."""
        named = {key: self.table(table) for key, table in tables.items()}
        return conn.execute(sql.SQL(query).format(**named), values)

    def ids(self, conn: Conn, query: str, values: Sequence[Any] = (), **tables: str) -> list[int]:
        """The first column of a query."""
        return [int(row[0]) for row in self.run(conn, query, values, **tables)]

    def insert(self, conn: Conn, table: str, **values: Any) -> int:
        """A new row, known from now on; its id."""
        columns = sql.SQL(", ").join(map(sql.Identifier, values))
        places = sql.SQL(", ").join(sql.Placeholder() * len(values))
        query = sql.SQL("insert into {} ({}) values ({}) returning id").format(self.table(table), columns, places)
        row = conn.execute(query, list(values.values())).fetchone()
        assert row is not None
        self.learn(table, int(row[0]))
        return int(row[0])

    def set(self, conn: Conn, table: str, id_: int, **values: Any) -> int:
        """Changes one row; the rows changed (a trigger's are not counted)."""
        columns = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(c)) for c in values)
        query = sql.SQL("update {} set {} where id = %s").format(self.table(table), columns)
        return conn.execute(query, [*values.values(), id_]).rowcount

    def drop(self, conn: Conn, table: str, id_: int) -> int:
        """Deletes one row and forgets what the database deletes with it; how many rows went."""
        people = [id_] if table == "contacts" else []
        deals = [id_] if table == "deals" else []
        gone = 1
        if table == "companies":
            people = self._children(conn, "contacts", "company_id", [id_])
            deals = self._children(conn, "deals", "company_id", [id_])
            gone += self.forget("contacts", people) + self.forget("deals", deals)
        for child, column, parents in (
            ("tasks", "contact_id", people),
            ("contact_notes", "contact_id", people),
            ("deal_notes", "deal_id", deals),
        ):
            gone += self.forget(child, self._children(conn, child, column, parents))
        self.forget(table, [id_])
        self.run(conn, "delete from {t} where id = %s", [id_], t=table)
        return gone

    def _children(self, conn: Conn, table: str, column: str, parents: Sequence[int]) -> list[int]:
        query = sql.SQL("select id from {} where {} = any (%s) order by id")
        named = query.format(self.table(table), sql.Identifier(column))
        return [int(row[0]) for row in conn.execute(named, [list(parents)])]


_REFUSED = "select id from public.contacts where jsonb_typeof(email_jsonb) <> 'array'"
_SITES = "select website::text from public.companies where id %% %s = 0 and website::text ~ '^http' order by id"
_EMAILS = sql.SQL("select {primary} from public.contacts where id %% %s = 0 and {primary} ~ '@' order by id")


def sit_down(conn: Conn, seed: int) -> Desk:
    """Reads what there is to edit. Contacts whose e-mails today's trigger would refuse cannot be saved, so are left."""
    era = _era(conn)
    known: dict[str, list[int]] = {}
    for table in ("sales", "tags", "companies", "contacts", "deals", "tasks", "contact_notes", "deal_notes"):
        name = sql.Identifier("public", eras.table(era, table))
        known[table] = [row[0] for row in conn.execute(sql.SQL("select id from {} order by id").format(name))]
    for table in ("companies", "contacts"):
        known[table] = [id_ for id_ in known[table] if id_ % DONORS]
    primary = sql.SQL("email")
    if era is not Era.V1_0_0:
        primary = sql.SQL("email_jsonb -> 0 ->> 'email'")
        refused = {row[0] for row in conn.execute(_REFUSED.encode())}
        known["contacts"] = [id_ for id_ in known["contacts"] if id_ not in refused]
    emails = conn.execute(_EMAILS.format(primary=primary), [DONORS])
    return Desk(
        rng=Random(seed),
        era=era,
        known=known,
        stages=_stages(conn, era),
        donor_sites=[row[0] for row in conn.execute(_SITES.encode(), [DONORS])],
        donor_emails=[row[0] for row in emails],
    )


def _stages(conn: Conn, era: Era) -> list[str]:
    """The kanban's columns: as saved, else upstream's."""
    row = None
    if era not in eras.OLD:
        row = conn.execute(b"select config -> 'dealStages' from public.configuration where id = 1").fetchone()
    return [stage["value"] for stage in row[0]] if row and row[0] else list(configuration.STAGES)


def _era(conn: Conn) -> Era:
    """As much of the era as decides how the team writes."""
    query = (
        "select count(*) filter (where table_name = 'contactNotes' and column_name = 'id') > 0,"
        " count(*) filter (where table_name = 'contacts' and column_name = 'email') > 0"
        " from information_schema.columns where table_schema = 'public'"
    )
    row = conn.execute(query.encode()).fetchone()
    assert row is not None
    camel, text = row
    return Era.V1_0_0 if text else Era.Y2025_01 if camel else Era.HEAD
