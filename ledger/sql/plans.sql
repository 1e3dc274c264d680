-- name: propose
insert into plans (revision, content) values (%(revision)s, %(content)s) on conflict do nothing;

-- name: approve
update plans set approved_by = coalesce(approved_by, %(by)s), approved_at = coalesce(approved_at, now())
where revision = %(revision)s;

-- name: approved
-- The newest approved revision.
select revision, content::text as content, approved_by, approved_at from plans
where approved_at is not null order by approved_at desc limit 1;

-- name: by_revision
select revision, content::text as content, approved_by, approved_at from plans where revision = %(revision)s;

-- name: open_generation
insert into generations (generation, revision) values (%(generation)s, %(revision)s)
on conflict (generation) do update set revision = excluded.revision;

-- name: generations
select generation, revision, state from generations order by generation;

-- name: obeyed
-- The approved revision that this generation obeys now.
select revision from generations where generation = %(generation)s;
