-- name: sums
-- Law 3: every live source row is exactly one of six states; deleted ones are queued, dead or removed.
-- A dirty record is queued: what it will be is not decided yet.
select r.object, r.deleted,
       case when r.object = any(%(feeders)s::text[]) then 'filtered'
            when x.key is not null then 'queued'
            else coalesce(d.state, 'queued') end as state,
       count(*) as n
from rows r
left join desired d on d.generation = %(generation)s and d.kind = r.object and d.key = r.key
left join dirty x on x.generation = %(generation)s and x.kind = r.object and x.key = r.key
group by 1, 2, 3;

-- name: listed
-- Parked, asked and dead records with their reasons.
select kind, key, state, code, reason, projected_at from desired
where generation = %(generation)s and state = any(%(states)s::text[])
order by kind, length(key), key limit %(most)s;

-- name: pending
-- Everything that is still under way: marks, fan-outs, queued records, leases.
select (select count(*) from dirty where generation = %(generation)s)
     + (select count(*) from fan_outs where generation = %(generation)s) as unprojected,
       (select count(*) from desired where generation = %(generation)s and state = 'queued') as queued,
       (select count(*) from desired where generation = %(generation)s and state = 'parked') as parked,
       (select count(*) from records r where lease_token is not null or (unknown and exists (
            select 1 from desired d where d.generation = %(generation)s and d.kind = r.kind and d.key = r.key
                                      and d.state = 'queued'))) as open,
       (select count(*) from records where look_at is not null) as looks;

-- name: oldest_live
select d.kind as object, (extract(epoch from now() - min(d.source_at)) * 1000)::float8 as ms
from desired d where d.generation = %(generation)s and d.state = 'queued' and d.lane = 'live' group by 1;

-- name: lanes
select kind as object, lane, count(*) as n from desired
where generation = %(generation)s and state = 'queued' group by 1, 2;
