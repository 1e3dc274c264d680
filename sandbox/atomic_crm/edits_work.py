"""Edits of deals, tasks, notes, tags and, rarely, of the configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from sandbox.atomic_crm import activity, configuration, eras, odd_texts, people, words
from sandbox.atomic_crm.desk import FEW, Conn, Desk

COLUMN = 100  #: the kanban loads a column's first 100 deals, and renumbers those


def text(desk: Desk) -> str:
    """What people write; one in five is what markdown would read as something else."""
    if desk.rng.random() < 0.2:
        return desk.rng.choice(list(odd_texts.TEXTS.values()))
    return words.paragraph(desk.rng, desk.rng.randrange(1, 4))


def insert_deal(desk: Desk, conn: Conn) -> int:
    """A new deal at the top of its column: every deal below moves one down. Now and then its stage is the form's own
    default, configured or not."""
    company = desk.any("companies")
    staff = desk.ids(conn, "select id from {t} where company_id = %s order by id limit 3", [company], t="contacts")
    id_ = desk.insert(
        conn,
        "deals",
        name=f"{desk.rng.choice(words.DEAL)} for {words.company(desk.rng)}",
        company_id=company,
        contact_ids=staff,
        category=desk.rng.choice(list(configuration.CATEGORIES)),
        stage="opportunity" if desk.rng.random() < 0.1 else desk.rng.choice(desk.stages),
        amount=desk.rng.randrange(1, 1001) * 100,
        expected_closing_date=people.NOW.date() + timedelta(days=desk.rng.randrange(180)),
        sales_id=desk.owner(),
        index=0,
    )
    return 1 + _renumber(desk, conn, id_, 0)


def drag(desk: Desk, conn: Conn) -> int:
    """A card moves to another place, mostly in another column: that column is renumbered."""
    id_ = desk.any("deals")
    place = desk.rng.randrange(10)
    moved = desk.set(conn, "deals", id_, stage=desk.rng.choice(desk.stages), index=place)
    return moved + _renumber(desk, conn, id_, place)


def _renumber(desk: Desk, conn: Conn, id_: int, place: int) -> int:
    """`index` of the column's deals, one update each, only where it differs; the card itself stays where it is."""
    query = (
        'select o.id, o."index" from {t} o, {t} d where d.id = %s and o.stage = d.stage and o.id <> d.id'
        ' and o.archived_at is null order by o."index" nulls last, o.id limit %s'
    )
    cards = desk.run(conn, query, (id_, COLUMN), t="deals").fetchall()
    count = 0
    for number, (other, index) in enumerate(cards):
        wanted = number + (number >= place)
        if index != wanted:
            count += desk.set(conn, "deals", other, index=wanted)
    return count


def deal(desk: Desk, conn: Conn) -> int:
    """Amount, closing date, category, archive or people of a deal."""
    id_, turn = desk.any("deals"), desk.rng.randrange(6)
    if turn == 0:
        query = "update {t} set archived_at = case when archived_at is null then now() end where id = %s"
        return desk.run(conn, query, [id_], t="deals").rowcount
    values: list[dict[str, Any]] = [
        {"amount": desk.rng.choice((desk.rng.randrange(10**6), desk.rng.randrange(10**6), 0, None, -500))},
        {"expected_closing_date": people.NOW.date() + timedelta(days=desk.rng.randrange(365))},
        {"category": desk.rng.choice([*configuration.CATEGORIES, "gone", None])},
        {"contact_ids": [desk.any("contacts") for _ in range(desk.rng.randrange(4))]},
        {"company_id": desk.rng.choice([desk.any("companies"), desk.any("companies"), None])},
    ]
    return desk.set(conn, "deals", id_, **values[turn - 1])


def delete_deal(desk: Desk, conn: Conn) -> int:
    """A deal with its notes."""
    return desk.drop(conn, "deals", desk.any("deals")) if len(desk.known["deals"]) >= FEW else 0


def insert_task(desk: Desk, conn: Conn) -> int:
    """A new task; adding it moves the contact's last_seen."""
    contact = desk.any("contacts")
    type_ = desk.rng.choice([*configuration.TASK_TYPES, None])
    due = people.NOW + timedelta(minutes=desk.rng.randrange(60 * 24 * 60))
    desk.insert(conn, "tasks", contact_id=contact, text=text(desk), type=type_, due_date=due, sales_id=desk.owner())
    query = "update {t} set last_seen = now() where id = %s"
    return 1 + desk.run(conn, query, [contact], t="contacts").rowcount


def task(desk: Desk, conn: Conn) -> int:
    """Done, open again, postponed to a midnight, or worded otherwise."""
    id_, turn = desk.any("tasks"), desk.rng.randrange(3)
    if turn == 0:
        query = "update {t} set done_date = case when done_date is null then now() end where id = %s"
        return desk.run(conn, query, [id_], t="tasks").rowcount
    day = people.NOW.date() + timedelta(days=desk.rng.randrange(90))
    return desk.set(conn, "tasks", id_, **({"due_date": activity.midnight(day)} if turn == 1 else {"text": text(desk)}))


def delete_task(desk: Desk, conn: Conn) -> int:
    """A task is gone."""
    return desk.drop(conn, "tasks", desk.any("tasks")) if len(desk.known["tasks"]) >= FEW else 0


def note(desk: Desk, conn: Conn) -> int:
    """A new note on a contact; a trigger moves the contact's last_seen in the same transaction."""
    contact = desk.any("contacts")
    status = desk.rng.choice(words.STATUSES)
    desk.insert(conn, "contact_notes", contact_id=contact, text=text(desk), status=status, sales_id=desk.owner())
    moved = desk.run(conn, "update {t} set status = %s where id = %s", [status, contact], t="contacts").rowcount
    if desk.era in eras.OLD:
        moved += desk.run(conn, "update {t} set last_seen = now() where id = %s", [contact], t="contacts").rowcount
    return 1 + moved


def deal_note(desk: Desk, conn: Conn) -> int:
    """A new note on a deal."""
    desk.insert(conn, "deal_notes", deal_id=desk.any("deals"), text=text(desk), sales_id=desk.owner())
    return 1


def edit_note(desk: Desk, conn: Conn) -> int:
    """A note's text or files change."""
    table = desk.rng.choice(("contact_notes", "deal_notes"))
    if not desk.known[table]:
        return 0
    if desk.rng.random() < 0.2:
        files = [Jsonb(activity.attachment(desk.rng))]
        return desk.set(conn, table, desk.any(table), attachments=files)
    return desk.set(conn, table, desk.any(table), text=text(desk))


def delete_note(desk: Desk, conn: Conn) -> int:
    """A note is gone."""
    table = desk.rng.choice(("contact_notes", "deal_notes"))
    return desk.drop(conn, table, desk.any(table)) if len(desk.known[table]) >= FEW else 0


def tags(desk: Desk, conn: Conn) -> int:
    """A contact gets other tags."""
    chosen = desk.rng.sample(desk.known["tags"], min(len(desk.known["tags"]), desk.rng.randrange(4)))
    return desk.set(conn, "contacts", desk.any("contacts"), tags=chosen)


def insert_tag(desk: Desk, conn: Conn) -> int:
    """A new tag, sometimes with a name that is there."""
    taken = desk.rng.random() < 0.2
    title = desk.rng.choice(words.TAGS)[0] if taken else desk.fresh("tag")
    desk.insert(conn, "tags", name=title, color=f"#{desk.rng.randrange(16**6):06x}")
    return 1


def rename_tag(desk: Desk, conn: Conn) -> int:
    """A tag is called otherwise: no contact's row changes."""
    return desk.set(conn, "tags", desk.any("tags"), name=desk.fresh("tag"))


def delete_tag(desk: Desk, conn: Conn) -> int:
    """A tag is gone; contacts keep its id."""
    return desk.drop(conn, "tags", desk.any("tags")) if len(desk.known["tags"]) >= FEW else 0


def configure(desk: Desk, conn: Conn) -> int:
    """An admin saves the settings: the title, a stage's label, seldom the currency; never which stages there are."""
    row = conn.execute(sql.SQL("select config from public.configuration where id = 1")).fetchone()
    if row is None:
        return 0
    config: dict[str, Any] = row[0] or configuration.saved(stages=configuration.STAGES) | {"currency": "USD"}
    turn = desk.rng.random()
    if turn < 0.1:
        config["currency"] = "USD" if config.get("currency") == "EUR" else "EUR"
    elif turn < 0.5 and config.get("dealStages"):
        desk.rng.choice(config["dealStages"])["label"] = desk.fresh("stage")
    else:
        config["title"] = f"{words.company(desk.rng)} CRM"
    query = "update public.configuration set config = %s where id = 1"
    return conn.execute(sql.SQL(query), [Jsonb(config)]).rowcount
