-- name: listed
-- Records of these states with reason, when, and whom they wait for.
select d.kind, d.key, d.state, d.code, d.reason, d.seq, d.projected_at, r.remote_id, r.present,
       coalesce((select json_agg(json_build_object('on', w.on_kind || ' ' || w.on_key, 'why', w.why)
                                 order by w.on_kind, w.on_key)
                 from waits w where w.generation = d.generation and w.kind = d.kind and w.key = d.key), '[]')::text as waits
from desired d left join records r on r.kind = d.kind and r.key = d.key
where d.generation = %(generation)s and d.state = any(%(states)s::text[])
  and (%(kind)s::text is null or d.kind = %(kind)s)
order by d.kind, length(d.key), d.key limit %(most)s;

-- name: one
-- Everything known of one record, for `trail` and `dead show`.
select d.kind, d.key, d.object, d.seq, d.wanted, d.payload::text as payload, d.refs::text as refs,
       d.claims::text as claims, d.flags::text as flags, d.revision, d.state, d.verb, d.lane, d.cause, d.code, d.reason,
       d.projected_at, r.remote_id, r.present, r.unknown, r.written_generation, r.written_seq, r.created_by_us,
       r.again, r.again_by, r.lease_until, r.leased_by
from desired d left join records r on r.kind = d.kind and r.key = d.key
where d.generation = %(generation)s and d.kind = %(kind)s and d.key = %(key)s;

-- name: row
select object, key, epoch, off, deleted, source_at, taken_at from rows where object = %(object)s and key = %(key)s;

-- name: notes
select at, actor, action, detail::text as detail from journal
where object = %(object)s and key = %(key)s order by id desc limit %(most)s;

-- name: skip
-- A person's decision: the record stays behind, with who and why; a newer image of its row asks again.
update desired set state = 'filtered', code = %(code)s, reason = %(reason)s
where generation = %(generation)s and kind = %(kind)s and key = %(key)s and state in ('dead', 'asked', 'parked')
returning kind, key;

-- name: adopt
-- A person's decision: the row that was there is ours from now on, and its state before us is kept.
insert into records as r (kind, key, remote_id, present, created_by_us, before_image, again, again_by, again_at)
values (%(kind)s, %(key)s, %(remote_id)s, true, false, %(before)s, 'adopted', %(by)s, clock_timestamp())
on conflict (kind, key) do update
set remote_id = excluded.remote_id, present = true, unknown = false, created_by_us = false,
    before_image = coalesce(r.before_image, excluded.before_image),
    again = excluded.again, again_by = excluded.again_by, again_at = excluded.again_at
where r.lease_token is null
returning r.kind, r.key;
