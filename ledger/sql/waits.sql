-- name: add
insert into waits (generation, kind, key, on_kind, on_key, why)
select distinct %(generation)s::int, u.* from unnest(%(kinds)s::text[], %(keys)s::text[], %(on_kinds)s::text[], %(on_keys)s::text[],
    %(whys)s::text[]) as u
on conflict do nothing;

-- name: forget
delete from waits using unnest(%(kinds)s::text[], %(keys)s::text[]) as u (kind, key)
where waits.generation = %(generation)s and waits.kind = u.kind and waits.key = u.key;

-- name: freed
-- Those who waited for these records, or left them out; forgotten at once.
delete from waits using unnest(%(kinds)s::text[], %(keys)s::text[]) as u (kind, key)
where waits.generation = %(generation)s and waits.on_kind = u.kind and waits.on_key = u.key
returning waits.kind, waits.key;

-- name: overdue
-- Parked records of these shards whose parent has landed or ended meanwhile: a wake that was lost (H-18).
select distinct w.kind, w.key
from waits w
join desired d on d.generation = w.generation and d.kind = w.kind and d.key = w.key
left join records r on r.kind = w.on_kind and r.key = w.on_key
left join desired p on p.generation = w.generation and p.kind = w.on_kind and p.key = w.on_key
left join uniques q on w.why = 'value' and q.kind = w.on_kind and q.holder_key = w.on_key
where w.generation = %(generation)s and d.state = 'parked' and d.shard = any(%(shards)s::smallint[])
  and ((w.why = 'parent' and (r.present or p.state in ('dead', 'filtered', 'removed')))
       or (w.why = 'value' and q.kind is null))
limit %(most)s;
