-- name: candidates
-- The newest desired of at most N records of one step, none leased, smallest source key first.
select d.kind, d.key, d.object, d.seq, d.wanted, d.payload::text as payload, d.refs::text as refs,
       d.claims::text as claims, d.flags::text as flags, d.hash, d.revision, d.state, d.verb, d.lane, d.cause,
       d.code, d.reason, d.source_at
from desired d
where d.generation = %(generation)s and d.lane = %(lane)s and d.kind = %(kind)s and d.verb = %(verb)s
  and d.state = 'queued' and d.shard = any(%(shards)s::smallint[]) and d.not_before <= now()
  and not exists (select 1 from records r where r.kind = d.kind and r.key = d.key and r.lease_token is not null)
order by length(d.key), d.key limit %(most)s
for update of d skip locked;

-- name: read
select kind, key, remote_id, present, unknown, removing, written_generation, written_seq, written_hash, created_by_us,
       again, parts::text as parts, lease_token is not null as leased, orphaned_seq
from records
where (kind, key) in (select * from unnest(%(kinds)s::text[], %(keys)s::text[]));

-- name: lease
-- Law 2: a lease with a token on each record the call changes; the ledger's clock sets its end.
insert into records as r (kind, key, lease_token, lease_until, leased_by, leased_at, removing)
select u.kind, u.key, %(token)s, now() + make_interval(secs => %(seconds)s), %(worker)s, now(), u.removing
from unnest(%(kinds)s::text[], %(keys)s::text[], %(removings)s::boolean[]) as u (kind, key, removing) order by 1, 2
on conflict (kind, key) do update
set lease_token = excluded.lease_token, lease_until = excluded.lease_until,
    leased_by = excluded.leased_by, leased_at = excluded.leased_at, removing = r.removing or excluded.removing
where r.lease_token is null
returning r.kind, r.key;

-- name: written
-- Receipts of what the destination holds now. A receipt whose token is lost changes nothing.
with mine as (
    select r.kind, r.key, r.present from records r
    join unnest(%(kinds)s::text[], %(keys)s::text[]) as u (kind, key) on r.kind = u.kind and r.key = u.key
    where r.lease_token = %(token)s order by 1, 2 for update of r)
update records r
set remote_id = u.remote_id, present = true, unknown = false, removing = false,
    written_generation = %(generation)s, written_seq = u.seq, written_hash = u.hash, parts = u.parts,
    created_by_us = coalesce(r.created_by_us, u.ours), before_image = coalesce(r.before_image, u.before_image),
    again = case when r.again_at > r.leased_at then r.again end,
    again_by = case when r.again_at > r.leased_at then r.again_by end,
    again_at = case when r.again_at > r.leased_at then r.again_at end,
    lease_token = null, lease_until = null, leased_by = null,
    look_at = case when u.look then now() + make_interval(secs => %(look_seconds)s) else r.look_at end,
    landed_at = coalesce(r.landed_at, now()), written_at = now()
from unnest(%(kinds)s::text[], %(keys)s::text[], %(seqs)s::bigint[], %(hashes)s::text[], %(remote_ids)s::text[],
            %(ours)s::boolean[], %(befores)s::json[], %(looks)s::boolean[], %(parts)s::json[])
         as u (kind, key, seq, hash, remote_id, ours, before_image, look, parts)
join mine m on m.kind = u.kind and m.key = u.key
where r.kind = u.kind and r.key = u.key
returning r.kind, r.key, not m.present as landed, r.again is not null as again;

-- name: gone
-- Receipts of records the destination no longer holds, or never held.
update records r
set present = false, unknown = false, written_generation = %(generation)s, written_seq = u.seq, written_hash = null,
    lease_token = null, lease_until = null, leased_by = null, again = null, again_by = null, again_at = null,
    look_at = case when u.look then now() + make_interval(secs => %(look_seconds)s) else r.look_at end
from unnest(%(kinds)s::text[], %(keys)s::text[], %(seqs)s::bigint[], %(looks)s::boolean[]) as u (kind, key, seq, look)
where r.kind = u.kind and r.key = u.key and r.lease_token = %(token)s
returning r.kind, r.key;

-- name: release
-- Gives leases back, with what the call told of the record: nothing new, that nobody knows, or what a read saw.
-- What a read saw after an unanswered call is not what was written, nor is what a removal may have emptied on its way:
-- the hash is forgotten, and it is read once more.
update records r
set lease_token = null, lease_until = null, leased_by = null,
    unknown = case u.known when 'nothing new' then r.unknown else u.known = 'unanswered' end,
    present = case when u.known in ('there', 'left') then true when u.known = 'absent' then false else r.present end,
    remote_id = coalesce(r.remote_id, u.remote_id),
    created_by_us = case when u.remote_id is not null then coalesce(r.created_by_us, true) else r.created_by_us end,
    written_hash = case when r.unknown or r.removing or u.known = 'unanswered' then null else r.written_hash end,
    orphaned_seq = coalesce(u.orphaned_seq, r.orphaned_seq),
    look_at = case when u.look then now() + make_interval(secs => %(look_seconds)s) else r.look_at end
from unnest(%(kinds)s::text[], %(keys)s::text[], %(knowns)s::text[], %(remote_ids)s::text[], %(looks)s::boolean[],
            %(orphaned)s::bigint[]) as u (kind, key, known, remote_id, look, orphaned_seq)
where r.kind = u.kind and r.key = u.key and r.lease_token = %(token)s
returning r.kind, r.key;

-- name: expire
-- An expired lease is unknown: whoever comes next reads before writing.
update records r
set lease_token = null, lease_until = null, leased_by = null, unknown = true
where r.lease_token is not null and r.lease_until < now()
returning r.kind, r.key;

-- name: again
-- An order to write the same again, with its cause and by whom.
update records r set again = %(cause)s, again_by = %(by)s, again_at = clock_timestamp()
from unnest(%(kinds)s::text[], %(keys)s::text[]) as u (kind, key)
where r.kind = u.kind and r.key = u.key;

-- name: share
-- What is known of these parents, held until our receipt is in: a landing or a removal at the same time comes before
-- or after it, never beside it.
select kind, key, present, unknown from records
where (kind, key) in (select * from unnest(%(kinds)s::text[], %(keys)s::text[]))
order by kind, key for share;

-- name: look_due
-- Records taken over from an unanswered call: read once more, one timeout later (H-03).
select kind, key, remote_id from records
where look_at <= now() and lease_token is null
order by look_at limit %(most)s for update skip locked;

-- name: leased
select count(*) as n from records where lease_token is not null;

-- name: same
-- Records whose resolved payload is what was written before: delivered without a call.
update records r set written_generation = %(generation)s, written_seq = u.seq
from unnest(%(kinds)s::text[], %(keys)s::text[], %(seqs)s::bigint[]) as u (kind, key, seq)
where r.kind = u.kind and r.key = u.key and r.present and r.lease_token is null
returning r.kind, r.key;

-- name: suspect
-- Records that must be read before anyone writes them.
update records r set unknown = true, look_at = null
from unnest(%(kinds)s::text[], %(keys)s::text[]) as u (kind, key)
where r.kind = u.kind and r.key = u.key and r.lease_token is null
returning r.kind, r.key;
