-- name: lock
-- The stored versions of these rows, locked in key order.
select object, key, epoch, off, image::text as image, deleted from rows
where (object, key) in (select * from unnest(%(objects)s::text[], %(keys)s::text[]))
order by object, key for update;

-- name: upsert
-- Newest image wins (law 1): a row moves only to a higher (epoch, offset).
insert into rows as r (object, key, epoch, off, image, deleted, source_at)
select * from unnest(%(objects)s::text[], %(keys)s::text[], %(epochs)s::int[], %(offs)s::bigint[],
                     %(images)s::json[], %(deleted)s::boolean[], %(source_at)s::timestamptz[])
on conflict (object, key) do update
set epoch = excluded.epoch, off = excluded.off, image = excluded.image, deleted = excluded.deleted,
    source_at = excluded.source_at, taken_at = now()
where (excluded.epoch, excluded.off) > (r.epoch, r.off)
returning r.object, r.key;

-- name: unlink
delete from links
where (object, key) in (select * from unnest(%(objects)s::text[], %(keys)s::text[]));

-- name: link
insert into links (object, key, ref_object, ref_key)
select distinct * from unnest(%(objects)s::text[], %(keys)s::text[], %(ref_objects)s::text[], %(ref_keys)s::text[])
on conflict do nothing;

-- name: images
-- Newest images of these rows, read in a statement of its own after the lock (H-12).
select object, key, image::text as image, deleted, source_at from rows
where (object, key) in (select * from unnest(%(objects)s::text[], %(keys)s::text[]));
