-- name: open
insert into budget as b (destination, window_name, limit_calls, window_ms, tokens, last_call_at)
values (%(destination)s, %(window)s, %(limit)s, %(window_ms)s, %(limit)s, now())
on conflict (destination, window_name) do update
set limit_calls = excluded.limit_calls, window_ms = excluded.window_ms,
    tokens = least(b.tokens, excluded.limit_calls)
where (b.limit_calls, b.window_ms) is distinct from (excluded.limit_calls, excluded.window_ms);

-- name: lock
-- Times as the ledger's clock tells them, in milliseconds, so that workers with wrong clocks agree.
select limit_calls, window_ms, tokens,
       (extract(epoch from clock_timestamp() - last_call_at) * 1000)::float8 as since_last_ms,
       coalesce(extract(epoch from paused_until - clock_timestamp()) * 1000, 0)::float8 as paused_ms
from budget where destination = %(destination)s and window_name = %(window)s for update;

-- name: read
-- The same without the lock, for those who only look.
select limit_calls, window_ms, tokens,
       (extract(epoch from clock_timestamp() - last_call_at) * 1000)::float8 as since_last_ms,
       greatest(0, coalesce(extract(epoch from paused_until - clock_timestamp()) * 1000, 0))::float8 as paused_ms
from budget where destination = %(destination)s and window_name = %(window)s;

-- name: take
update budget set tokens = %(tokens)s, last_call_at = clock_timestamp() + make_interval(secs => %(ahead_ms)s / 1000.0)
where destination = %(destination)s and window_name = %(window)s;

-- name: pause
-- The destination spoke of its limit: the bucket is empty as of now.
update budget set tokens = 0, last_call_at = clock_timestamp(),
    paused_until = clock_timestamp() + make_interval(secs => %(seconds)s),
    limit_calls = coalesce(%(limit)s, limit_calls), window_ms = coalesce(%(window_ms)s, window_ms), learned = %(learned)s
where destination = %(destination)s and window_name = %(window)s;
