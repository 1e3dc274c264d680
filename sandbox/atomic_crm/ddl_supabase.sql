-- What Supabase brings before any table of Atomic CRM: schemas, roles, users. Every era begins with it.
-- Applied to an empty database of PostgreSQL >= 13 by its superuser.

create schema if not exists extensions;
create schema if not exists auth;
create schema if not exists private;
create extension if not exists citext with schema extensions;
-- Roles belong to the cluster: another database, or another session right now, may have made them.
do $$
declare
    wanted record;
begin
    for wanted in
        select * from (values ('anon', 'noinherit'), ('authenticated', 'noinherit'), ('service_role', 'noinherit bypassrls'))
            as w (role, options)
    loop
        begin
            if not exists (select from pg_roles where rolname = wanted.role) then
                execute format('create role %I nologin %s', wanted.role, wanted.options);
            end if;
        exception when duplicate_object or unique_violation then null;
        end;
    end loop;
end $$;

-- Just enough of Supabase's auth for sales.user_id and auth.uid().
create table auth.users (
    id uuid primary key default gen_random_uuid(),
    email text,
    raw_user_meta_data jsonb,
    last_sign_in_at timestamptz,
    created_at timestamptz not null default now()
);

create function auth.uid() returns uuid language sql stable as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
$$;

-- A new user becomes a sale (the very first an administrator). Every later change of the user overwrites the sale's
-- names, with 'Pending' where the log-in service names none: log-ins make updates nobody asked for (`atomic_crm.md` 1.5).
create function public.handle_new_user() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into public.sales (first_name, last_name, email, user_id, administrator)
    values (
        coalesce(new.raw_user_meta_data ->> 'first_name', 'Pending'),
        coalesce(new.raw_user_meta_data ->> 'last_name', 'Pending'),
        new.email,
        new.id,
        not exists (select from public.sales)
    );
    return new;
end $$;

create function public.handle_update_user() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    update public.sales s
       set first_name = coalesce(new.raw_user_meta_data ->> 'first_name', 'Pending'),
           last_name = coalesce(new.raw_user_meta_data ->> 'last_name', 'Pending'),
           email = new.email
     where s.user_id = new.id;
    return new;
end $$;

create trigger on_auth_user_created after insert on auth.users
    for each row execute function public.handle_new_user();
create trigger on_auth_user_updated after update on auth.users
    for each row execute function public.handle_update_user();
