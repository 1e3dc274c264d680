-- name: note
insert into journal (actor, action, object, key, detail) values (%(actor)s, %(action)s, %(object)s, %(key)s, %(detail)s);

-- name: count_call
insert into calls as c (generation, kind, verb, lane, calls, records)
values (%(generation)s, %(kind)s, %(verb)s, %(lane)s, 1, %(records)s)
on conflict (generation, kind, verb, lane) do update set calls = c.calls + 1, records = c.records + excluded.records;

-- name: calls
select kind, verb, lane, calls, records from calls where generation = %(generation)s order by kind, verb, lane;

-- name: deliver
insert into deliveries (generation, kind, key, seq, verb, lane, cause, source_at)
select %(generation)s, u.* from unnest(%(kinds)s::text[], %(keys)s::text[], %(seqs)s::bigint[], %(verbs)s::text[],
    %(lanes)s::text[], %(causes)s::text[], %(source_at)s::timestamptz[]) as u;

-- name: latencies
-- Milliseconds from the source's commit to the receipt, live deliveries from an id on.
select (extract(epoch from at - source_at) * 1000)::float8 as ms from deliveries
where generation = %(generation)s and lane = 'live' and source_at is not null and at >= %(since)s
order by id;

-- name: trail
select id, generation, seq, verb, lane, cause, source_at, at from deliveries
where kind = %(kind)s and key = %(key)s order by id desc limit %(most)s;
