-- name: mark
-- Marks records to be projected again; a live cause lifts a backfill mark, nothing sinks.
insert into dirty as d (generation, kind, key, lane, cause)
select g.generation, m.kind, m.key, m.lane, m.cause
from (select distinct on (kind, key) * from unnest(%(kinds)s::text[], %(keys)s::text[], %(lanes)s::text[], %(causes)s::text[])
        as u (kind, key, lane, cause) order by kind, key, lane desc) as m
cross join (select generation from generations where state = 'active') as g
order by 1, 2, 3
on conflict (generation, kind, key) do update
set mark = d.mark + 1, since = d.since,
    lane = case when excluded.lane = 'live' then 'live' else d.lane end,
    cause = case when excluded.lane = 'live' then excluded.cause else d.cause end;

-- name: lock
-- The next marks to work off, live first, each taken by one worker.
select kind, key, mark, lane, cause from dirty
where generation = %(generation)s
order by lane desc, kind, key limit %(most)s for update skip locked;

-- name: clear
-- Clears marks that have not moved since they were read.
delete from dirty using unnest(%(kinds)s::text[], %(keys)s::text[], %(marks)s::bigint[]) as m (kind, key, mark)
where dirty.generation = %(generation)s and dirty.kind = m.kind and dirty.key = m.key and dirty.mark = m.mark;

-- name: count
select count(*) as n from dirty where generation = %(generation)s;

-- name: fan_out
insert into fan_outs (generation, object, key, cause)
select generation, %(object)s, %(key)s, %(cause)s from generations where state = 'active'
on conflict (generation, object, key) do update set cursor_object = '', cursor_key = '', cause = excluded.cause;

-- name: next_fan_outs
select id, object, key, cause, cursor_object, cursor_key from fan_outs
where generation = %(generation)s order by id limit %(most)s for update skip locked;

-- name: followed
-- Rows that link to these, each from its cursor on, in order.
select j.id, l.object, l.key
from unnest(%(ids)s::bigint[], %(objects)s::text[], %(keys)s::text[], %(cursor_objects)s::text[], %(cursor_keys)s::text[])
         as j (id, object, key, cursor_object, cursor_key)
cross join lateral (
    select x.object, x.key from links x
    where x.ref_object = j.object and x.ref_key = j.key and (x.object, x.key) > (j.cursor_object, j.cursor_key)
    order by x.object, x.key limit %(most)s) as l
order by j.id, l.object, l.key;

-- name: advance
update fan_outs set cursor_object = %(object)s, cursor_key = %(key)s where id = %(id)s;

-- name: finish
delete from fan_outs where id = any(%(ids)s::bigint[]);

-- name: fan_outs
select count(*) as n from fan_outs where generation = %(generation)s;
