-- name: epochs
select topic, epoch from topics;

-- name: known
select topic, topic_id, partitions, epoch from topics;

-- name: register
insert into topics (topic, topic_id, partitions) values (%(topic)s, %(topic_id)s, %(partitions)s)
on conflict (topic) do nothing;

-- name: advance
insert into offsets as o (topic, part, next_offset, source_at)
select * from unnest(%(topics)s::text[], %(parts)s::int[], %(nexts)s::bigint[], %(source_at)s::timestamptz[])
order by 1, 2
on conflict (topic, part) do update
set next_offset = greatest(o.next_offset, excluded.next_offset),
    source_at = greatest(o.source_at, excluded.source_at), taken_at = now();

-- name: read
select topic, part, next_offset, source_at, taken_at from offsets order by topic, part;
