-- name: forget_claims
delete from unique_claims using unnest(%(kinds)s::text[], %(keys)s::text[]) as u (kind, key)
where unique_claims.kind = u.kind and unique_claims.key = u.key
returning unique_claims.kind, unique_claims.field, unique_claims.value, unique_claims.key;

-- name: claim
insert into unique_claims (kind, field, value, key)
select distinct * from unnest(%(kinds)s::text[], %(fields)s::text[], %(values)s::text[], %(keys)s::text[])
on conflict do nothing;

-- name: ensure
insert into uniques (kind, field, value)
select distinct * from unnest(%(kinds)s::text[], %(fields)s::text[], %(values)s::text[]) order by 1, 2, 3
on conflict do nothing;

-- name: lock
select kind, field, value, holder_key, settled from uniques
where (kind, field, value) in (select * from unnest(%(kinds)s::text[], %(fields)s::text[], %(values)s::text[]))
order by kind, field, value for update;

-- name: winners
-- The smallest source key among those who claim a value.
select distinct on (kind, field, value) kind, field, value, key from unique_claims
where (kind, field, value) in (select * from unnest(%(kinds)s::text[], %(fields)s::text[], %(values)s::text[]))
order by kind, field, value, length(key), key;

-- name: hold
-- Set when a call that writes the value leaves.
update uniques q set holder_key = u.key, settled = q.settled and q.holder_key = u.key
from unnest(%(kinds)s::text[], %(fields)s::text[], %(values)s::text[], %(keys)s::text[]) as u (kind, field, value, key)
where q.kind = u.kind and q.field = u.field and q.value = u.value;

-- name: keep
-- After a receipt: what the record carries is settled …
update uniques q set settled = true
from unnest(%(kinds)s::text[], %(fields)s::text[], %(values)s::text[], %(keys)s::text[]) as u (kind, field, value, key)
where q.kind = u.kind and q.field = u.field and q.value = u.value and q.holder_key = u.key;

-- name: give_up
-- … and whatever else it held is free.
update uniques q set holder_key = null, settled = false
from unnest(%(kinds)s::text[], %(keys)s::text[]) as h (kind, key)
where q.kind = h.kind and q.holder_key = h.key
  and not exists (select 1 from unnest(%(c_kinds)s::text[], %(c_fields)s::text[], %(c_values)s::text[], %(c_keys)s::text[])
                      as c (kind, field, value, key)
                  where c.kind = q.kind and c.field = q.field and c.value = q.value and c.key = h.key);

-- name: give_back
-- After a refusal: values taken for that call only are free again.
update uniques q set holder_key = null
from unnest(%(kinds)s::text[], %(keys)s::text[]) as h (kind, key)
where q.kind = h.kind and q.holder_key = h.key and not q.settled;

-- name: claimed_by
select kind, field, value from unique_claims
where (kind, key) in (select * from unnest(%(kinds)s::text[], %(keys)s::text[]));

-- name: keep_all
-- An unanswered call was applied, as a read saw: what it took is held until a receipt says otherwise.
update uniques q set settled = true
from unnest(%(kinds)s::text[], %(keys)s::text[]) as h (kind, key)
where q.kind = h.kind and q.holder_key = h.key;
