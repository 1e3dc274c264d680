-- name: propose
insert into plans (revision, content) values (%(revision)s, %(content)s) on conflict do nothing;

-- name: approve
update plans set approved_by = %(by)s, approved_at = clock_timestamp()
where revision = %(revision)s;

-- name: approved
-- The newest approved revision.
select revision, content::text as content, approved_by, approved_at from plans
where approved_at is not null order by approved_at desc limit 1;

-- name: by_revision
select revision, content::text as content, approved_by, approved_at from plans where revision = %(revision)s;

-- name: open_generation
-- Answers only when the generation is new or now obeys another revision.
insert into generations as g (generation, revision, destination) values (%(generation)s, %(revision)s, %(destination)s)
on conflict (generation) do update set revision = excluded.revision where g.revision <> excluded.revision
returning g.generation;

-- name: project_all
-- Another revision: every row is projected again, behind live causes.
insert into dirty as d (generation, kind, key, lane, cause)
select %(generation)s, object, key, 'backfill', 'revision' from rows where object = any(%(kinds)s::text[]) order by 2, 3
on conflict (generation, kind, key) do update set mark = d.mark + 1;

-- name: generations
select generation, revision, destination, state from generations order by generation;

-- name: obeyed
-- The approved revision that this generation obeys. Shared: another revision waits for transactions under this one,
-- and its marks come after what they stored (H-15).
select revision from generations where generation = %(generation)s for share;
