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
-- Records of these shards that wait for what has happened meanwhile: a wake that was lost (H-18), a link left out while
-- its parent landed (H-19).
select w.kind, w.key
from waits w
join desired d on d.generation = w.generation and d.kind = w.kind and d.key = w.key
left join records r on r.kind = w.on_kind and r.key = w.on_key
left join desired p on p.generation = w.generation and p.kind = w.on_kind and p.key = w.on_key
cross join lateral (select coalesce(r.present and not r.unknown and p.wanted and p.state <> 'filtered', false)) as l (landed)
where w.generation = %(generation)s and d.shard = any(%(shards)s::smallint[]) and case w.why
    when 'parent' then (d.state in ('parked', 'dead') and l.landed)
                    or (d.state = 'parked' and (not p.wanted or p.state in ('dead', 'filtered', 'removed')))
                    or (d.state = 'parked' and p.state = 'asked' and exists (
                        select 1 from json_array_elements(d.refs) as f (ref) where ref ->> 'link' = 'optional'
                        and ref ->> 'kind' = w.on_kind and ref ->> 'key' = w.on_key))
    when 'left_out' then l.landed and d.state = 'delivered'
    when 'value' then (d.state = 'parked' and p.state in ('asked', 'dead', 'filtered'))
                   or d.state in ('parked', 'asked') and not exists (
        select 1 from json_array_elements(d.claims) as c (claim)
        join uniques q on q.kind = d.kind and q.field = claim ->> 'field' and q.value = claim ->> 'value'
        where q.holder_key = w.on_key)
    end
limit %(most)s;

-- name: behind
-- Who is parked behind whose value.
select w.kind, w.key, w.on_key from waits w
join desired d on d.generation = w.generation and d.kind = w.kind and d.key = w.key
where w.generation = %(generation)s and w.why = 'value' and d.state = 'parked' limit %(most)s;
