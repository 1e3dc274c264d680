-- name: lock
-- The current desired of these records, locked in key order: claims and projections never see each other's half.
select kind, key, seq, hash, revision, state, verb, wanted, lane, code, reason from desired
where generation = %(generation)s
  and (kind, key) in (select * from unnest(%(kinds)s::text[], %(keys)s::text[]))
order by kind, key for update;

-- name: upsert
-- A record that was written a moment ago waits a little: fifty edits in a second become a few writes of the newest.
insert into desired as d (generation, kind, key, object, seq, wanted, payload, refs, claims, flags, hash, revision,
                          state, verb, lane, shard, cause, code, reason, source_at, not_before)
select %(generation)s, u.*,
       coalesce((select r.written_at + make_interval(secs => %(calm_s)s) from records r
                 where r.kind = u.kind and r.key = u.key), '-infinity')
from unnest(
    %(kind)s::text[], %(key)s::text[], %(object)s::text[], %(seq)s::bigint[], %(wanted)s::boolean[],
    %(payload)s::json[], %(refs)s::json[], %(claims)s::json[], %(flags)s::json[], %(hash)s::text[],
    %(revision)s::text[], %(state)s::text[], %(verb)s::text[], %(lane)s::text[], %(shard)s::smallint[],
    %(cause)s::text[], %(code)s::text[], %(reason)s::text[], %(source_at)s::timestamptz[])
    as u (kind, key, object, seq, wanted, payload, refs, claims, flags, hash, revision, state, verb, lane, shard, cause,
          code, reason, source_at)
order by 2, 3
on conflict (generation, kind, key) do update
set object = excluded.object, seq = excluded.seq, wanted = excluded.wanted, payload = excluded.payload,
    refs = excluded.refs, claims = excluded.claims, flags = excluded.flags, hash = excluded.hash,
    revision = excluded.revision, state = excluded.state, verb = excluded.verb, lane = excluded.lane,
    cause = excluded.cause, code = excluded.code, reason = excluded.reason, source_at = excluded.source_at,
    not_before = case when excluded.verb = 'look' or d.hash = excluded.hash then d.not_before
                      else excluded.not_before end,
    projected_at = now();

-- name: read
select kind, key, object, seq, wanted, payload::text as payload, refs::text as refs, claims::text as claims,
       flags::text as flags, hash, revision, state, verb, lane, cause, code, reason, source_at
from desired
where generation = %(generation)s and (kind, key) in (select * from unnest(%(kinds)s::text[], %(keys)s::text[]));

-- name: due
-- One kind of due work that these shards hold: live before backfill, parents before children, look and remove first.
select lane, kind, verb from desired_due_step(%(generation)s, %(lanes)s::text[], %(kinds)s::text[],
                                              %(verbs)s::text[], %(shards)s::smallint[]);

-- name: requeue
-- Sets records to be delivered again: their next step follows from what the destination is known to hold.
update desired d
set state = 'queued', cause = %(cause)s,
    code = case when d.wanted then null else d.code end, reason = case when d.wanted then null else d.reason end,
    lane = case when %(lane)s = 'live' then 'live' else d.lane end,
    not_before = case when d.state = 'queued' then d.not_before else '-infinity' end,
    verb = case when r.unknown or r.lease_token is not null then 'look' when not d.wanted then 'remove'
                when r.present then 'update' else 'create' end
from unnest(%(kinds)s::text[], %(keys)s::text[]) as u (kind, key)
left join records r on r.kind = u.kind and r.key = u.key
where d.generation = %(generation)s and d.kind = u.kind and d.key = u.key
  and (d.payload is not null or not d.wanted)  -- a record that could not be projected has nothing to send
  and (d.wanted or r.present or r.unknown or r.lease_token is not null);

-- name: settle
-- Writes down what became of records: delivered, removed, parked, asked, dead, filtered.
update desired d
set state = u.state, code = u.code, reason = u.reason
from unnest(%(kinds)s::text[], %(keys)s::text[], %(seqs)s::bigint[], %(states)s::text[], %(codes)s::text[],
            %(reasons)s::text[]) as u (kind, key, seq, state, code, reason)
where d.generation = %(generation)s and d.kind = u.kind and d.key = u.key and d.seq = u.seq
returning d.kind, d.key;

-- name: postpone
-- Leaves records queued, not to be tried before a while has passed.
update desired d
set not_before = now() + make_interval(secs => %(seconds)s), verb = coalesce(%(verb)s, d.verb)
from unnest(%(kinds)s::text[], %(keys)s::text[]) as u (kind, key)
where d.generation = %(generation)s and d.kind = u.kind and d.key = u.key and d.state = 'queued';

-- name: lost_work
-- The full comparison: records whose desired differs from what was written and that no state explains.
select d.kind, d.key from desired d left join records r on r.kind = d.kind and r.key = d.key
where d.generation = %(generation)s and (
    (d.state = 'delivered' and (r.written_seq is distinct from d.seq or not r.present or r.again is not null))
    or (d.state = 'removed' and r.present))
order by d.kind, d.key limit %(most)s;

-- name: states
-- What those who depend on these records must know.
select kind, key, state, wanted from desired
where generation = %(generation)s and (kind, key) in (select * from unnest(%(kinds)s::text[], %(keys)s::text[]));

-- name: next_step
-- After a receipt: records that a newer projection has queued meanwhile get the step that fits what is there now.
update desired d
set verb = case when r.unknown then 'look' when not d.wanted then 'remove' when r.present then 'update' else 'create' end
from unnest(%(kinds)s::text[], %(keys)s::text[]) as u (kind, key)
join records r on r.kind = u.kind and r.key = u.key
where d.generation = %(generation)s and d.kind = u.kind and d.key = u.key and d.state = 'queued';

-- name: children
-- Delivered records whose rows point to these.
select d.kind, d.key from links l
join unnest(%(kinds)s::text[], %(keys)s::text[]) as u (kind, key) on l.ref_object = u.kind and l.ref_key = u.key
join desired d on d.generation = %(generation)s and d.kind = l.object and d.key = l.key
where d.state = 'delivered';
