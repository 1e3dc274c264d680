-- name: want
insert into wanted (object, stage, lane, state, by, why) values (%(object)s, %(stage)s, %(lane)s, %(state)s, %(by)s, %(why)s)
on conflict (object, stage, lane) do update
set state = excluded.state, by = excluded.by, why = excluded.why, at = now();

-- name: wanted
select object, stage, lane, state, by, why, at from wanted;

-- name: observe
insert into observed (worker, object, stage, lane, state)
select %(worker)s, u.object, %(stage)s, u.lane, u.state
from unnest(%(objects)s::text[], %(lanes)s::text[], %(states)s::text[]) as u (object, lane, state) order by 2, 4
on conflict (worker, object, stage, lane) do update set state = excluded.state, at = now();

-- name: observed
select o.object, o.stage, o.lane, o.state from observed o join workers w using (worker);

-- name: beat
insert into workers (worker, stage, pid, host, revision, note)
values (%(worker)s, %(stage)s, %(pid)s, %(host)s, %(revision)s, %(note)s)
on conflict (worker) do update
set pid = excluded.pid, host = excluded.host, revision = excluded.revision, beat_at = now(), note = excluded.note,
    since = case when workers.pid = excluded.pid then workers.since else now() end;

-- name: leave
delete from workers where worker = %(worker)s;

-- name: workers
select worker, stage, pid, host, revision, since, beat_at, note, extract(epoch from now() - beat_at)::float8 as age_s
from workers order by worker;
