"""Two contacts become one, both ways (`atomic_crm.md` 5.10), and, when asked for, unique values change hands."""

from __future__ import annotations

from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from sandbox.atomic_crm.desk import FEW, Conn, Desk
from sandbox.atomic_crm.eras import Era

_FILLED = (
    "avatar",
    "gender",
    "first_name",
    "last_name",
    "title",
    "company_id",
    "linkedin_url",
    "background",
    "has_newsletter",
    "sales_id",
    "first_seen",
)
_READ = [*_FILLED, "last_seen", "email_jsonb", "phone_jsonb", "tags"]


def merge_sql(desk: Desk, conn: Conn) -> int:
    """By the function of the database, which orders e-mails and phones anew."""
    pair = _pair(desk, conn)
    if pair is None:
        return 0
    winner, loser = pair
    moved = _held(desk, conn, loser)
    conn.execute(sql.SQL("select public.merge_contacts(%s, %s)"), [loser, winner])
    desk.forget("contacts", [loser])
    return moved + 2


def merge_edge(desk: Desk, conn: Conn) -> int:
    """As the edge function does: orders stay, the winner's first; it fails on JSON nulls among e-mails or phones."""
    pair = _pair(desk, conn)
    return 0 if pair is None else merge_into(desk, conn, *pair)


def merge_into(desk: Desk, conn: Conn, winner: int, loser: int) -> int:
    """`merge_edge` of these two."""
    rows = [_row(desk, conn, id_) for id_ in (winner, loser)]
    if any(None in (row[name] or ()) for row in rows for name in ("email_jsonb", "phone_jsonb") if _listed(row[name])):
        return 0
    moved = 0
    for table in ("tasks", "contact_notes"):
        query = "update {t} set contact_id = %s where contact_id = %s"
        moved += desk.run(conn, query, [winner, loser], t=table).rowcount
    query = "select id, contact_ids from {t} where contact_ids @> array[%s]::bigint[] order by id"
    for deal, ids in desk.run(conn, query, [loser], t="deals").fetchall():
        now = list(dict.fromkeys([*(id_ for id_ in ids if id_ != loser), winner]))
        moved += desk.set(conn, "deals", deal, contact_ids=now)
    desk.set(conn, "contacts", winner, **_merged(*rows))
    return moved + 1 + desk.drop(conn, "contacts", loser)


def _pair(desk: Desk, conn: Conn) -> tuple[int, int] | None:
    """A winner and a loser, of one company where there are two."""
    if len(desk.known["contacts"]) < FEW:
        return None
    winner = desk.any("contacts")
    query = "select o.id from {t} o, {t} w where w.id = %s and o.company_id = w.company_id and o.id <> w.id order by 1"
    known = set(desk.known["contacts"])
    same = [id_ for id_ in desk.ids(conn, query, [winner], t="contacts") if id_ in known]
    loser = desk.rng.choice(same) if same else desk.any("contacts")
    return None if winner == loser else (winner, loser)


def _held(desk: Desk, conn: Conn, loser: int) -> int:
    """How many tasks, notes and deals name the loser."""
    tables = {"t": "tasks", "n": "contact_notes", "d": "deals"}
    query = (
        "select (select count(*) from {t} where contact_id = %s) + (select count(*) from {n} where contact_id = %s)"
        " + (select count(*) from {d} where contact_ids @> array[%s]::bigint[])"
    )
    return desk.ids(conn, query, [loser] * 3, **tables)[0]


def _row(desk: Desk, conn: Conn, id_: int) -> dict[str, Any]:
    columns = sql.SQL(", ").join(map(sql.Identifier, _READ))
    row = conn.execute(sql.SQL("select {} from public.contacts where id = %s").format(columns), [id_]).fetchone()
    assert row is not None
    return dict(zip(_READ, row, strict=True))


def _merged(winner: dict[str, Any], loser: dict[str, Any]) -> dict[str, Any]:
    """The winner's values, its gaps filled."""
    new = {name: loser[name] if winner[name] is None else winner[name] for name in _FILLED}
    picture = winner["avatar"] if (winner["avatar"] or {}).get("src") else loser["avatar"]
    new["avatar"] = None if picture is None else Jsonb(picture)
    new["linkedin_url"] = winner["linkedin_url"] or loser["linkedin_url"]
    seen = [moment for moment in (winner["last_seen"], loser["last_seen"]) if moment is not None]
    new["last_seen"] = max(seen, default=None)
    for name, key in (("email_jsonb", "email"), ("phone_jsonb", "number")):
        new[name] = Jsonb(_elements(winner[name], loser[name], key))
    new["tags"] = list(dict.fromkeys([*(winner["tags"] or ()), *(loser["tags"] or ())]))
    return new


def _elements(winner: Any, loser: Any, key: str) -> list[Any]:
    """One element a key: the winner's last of it, then those of the loser it does not have; none without the key."""
    kept: dict[str, Any] = {}
    for item in winner if _listed(winner) else []:
        if isinstance(item, dict) and item.get(key):
            kept[str(item[key])] = item
    for item in loser if _listed(loser) else []:
        if isinstance(item, dict) and item.get(key):
            kept.setdefault(str(item[key]), item)
    return list(kept.values())


def _listed(value: Any) -> bool:
    return isinstance(value, list)


def swap(desk: Desk, conn: Conn) -> int:
    """Two or three records hand their unique values round in one transaction (H-25): websites or e-mails."""
    table, column = desk.rng.choice((("companies", "website"), ("contacts", _email_column(desk))))
    if len(desk.known[table]) < 3:
        return 0
    ids = desk.rng.sample(desk.known[table], desk.rng.choice((2, 3)))
    query = sql.SQL("select id, {} from {} where id = any (%s)").format(sql.Identifier(column), desk.table(table))
    values: dict[int, Any] = dict(conn.execute(query, [ids]).fetchall())
    if len(values) < len(ids) or any(value is None for value in values.values()):
        return 0
    count = 0
    for id_, giver in zip(ids, [*ids[1:], ids[0]], strict=True):
        value = Jsonb(values[giver]) if column == "email_jsonb" else values[giver]
        count += desk.set(conn, table, id_, **{column: value})
    return count


def _email_column(desk: Desk) -> str:
    return "email" if desk.era is Era.V1_0_0 else "email_jsonb"
