-- name: seen
insert into snapshots (object) select unnest(%(objects)s::text[]) on conflict do nothing;

-- name: complete
select object from snapshots where seen_at < clock_timestamp() - make_interval(secs => %(calm_s)s);

-- name: dangling
-- Rows that something points to and that are not in the source: their object's snapshot is complete, the key absent.
select u.kind, u.key from unnest(%(kinds)s::text[], %(keys)s::text[]) as u (kind, key)
join snapshots s on s.object = u.kind and s.seen_at < clock_timestamp() - make_interval(secs => %(calm_s)s)
where not exists (select 1 from rows r where r.object = u.kind and r.key = u.key and not r.deleted);

-- name: awaited
-- Parked records whose wait is over though nobody woke them: the row they read is there, or can no longer come.
select distinct w.kind, w.key from waits w
join desired d on d.generation = w.generation and d.kind = w.kind and d.key = w.key
left join snapshots s on s.object = w.on_kind and s.seen_at < clock_timestamp() - make_interval(secs => %(calm_s)s)
where w.generation = %(generation)s and d.state = 'parked' and d.payload is null
  and (s.object is not null or exists (select 1 from rows r where r.object = w.on_kind and r.key = w.on_key))
limit %(most)s;

-- name: pointless
-- Parked records with a payload whose parent is no row of the source.
select distinct w.kind, w.key from waits w
join desired d on d.generation = w.generation and d.kind = w.kind and d.key = w.key
join snapshots s on s.object = w.on_kind and s.seen_at < clock_timestamp() - make_interval(secs => %(calm_s)s)
where w.generation = %(generation)s and w.why = 'parent' and d.state = 'parked' and d.payload is not null
  and d.shard = any(%(shards)s::smallint[])
  and not exists (select 1 from rows r where r.object = w.on_kind and r.key = w.on_key and not r.deleted)
  and not exists (select 1 from desired p where p.generation = w.generation and p.kind = w.on_kind and p.key = w.on_key)
limit %(most)s;
