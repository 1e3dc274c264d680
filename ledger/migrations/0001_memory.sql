-- The memory of one migration, in a schema of its own (lockgate_<m>). Images and payloads are `json`, not `jsonb`:
-- they are read whole, and jsonb refuses the \u0000 that a source's json column may hold.

create table plans (
    revision text primary key,              -- sha256 of the canonical content
    content json not null,
    approved_by text,                       -- null: proposed, not approved
    approved_at timestamptz,
    proposed_at timestamptz not null default now()
);

create table generations (
    generation int primary key,
    revision text not null references plans,
    destination text not null,              -- address of what it fills: another one is another generation
    state text not null default 'active' check (state in ('active', 'promoted', 'discarded', 'sealed')),
    created_at timestamptz not null default now()
);

create table topics (                       -- what we know of each cdc topic: law 1's guard
    topic text primary key,
    topic_id text not null,
    partitions int not null,
    epoch int not null default 1
);

create table offsets (
    topic text not null,
    part int not null,
    next_offset bigint not null,            -- one past the last data record taken
    source_at timestamptz,                  -- commit time of that record in the source
    taken_at timestamptz not null default now(),
    primary key (topic, part)
);

create table rows (                         -- the newest image of every source row
    object text not null,
    key text not null,
    epoch int not null,
    off bigint not null,
    image json not null,
    deleted boolean not null,
    source_at timestamptz,
    taken_at timestamptz not null default now(),
    primary key (object, key)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);

create table links (                        -- which rows the projection of a row points to or reads
    object text not null,
    key text not null,
    ref_object text not null,
    ref_key text not null,
    primary key (object, key, ref_object, ref_key)
);
create index links_by_ref on links (ref_object, ref_key, object, key);

create table dirty (                        -- records to project again
    generation int not null,
    kind text not null,
    key text not null,
    mark bigint not null default 1,
    lane text not null check (lane in ('live', 'backfill')),
    cause text not null,
    since timestamptz not null default now(),
    primary key (generation, kind, key)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
create index dirty_by_lane on dirty (generation, lane desc, kind, key);

create table fan_outs (                     -- more than 500 dependants: worked off 500 a transaction, behind live causes
    id bigint generated always as identity primary key,
    generation int not null,
    object text not null,
    key text not null,
    cause text not null,
    cursor_object text not null default '',
    cursor_key text not null default '',
    since timestamptz not null default now(),
    unique (generation, object, key)
);

create table desired (                      -- what should be in the destination
    generation int not null,
    kind text not null,
    key text not null,
    object text not null,                   -- the source row it is made from
    seq bigint not null,
    wanted boolean not null,                -- false: should not be there
    payload json,
    refs json not null default '[]',
    claims json not null default '[]',      -- unique values it will carry
    flags json not null default '[]',
    hash text not null,
    revision text not null,
    state text not null check (state in ('filtered', 'queued', 'parked', 'asked', 'dead', 'delivered', 'removed')),
    verb text not null check (verb in ('create', 'update', 'remove', 'look')),
    lane text not null check (lane in ('live', 'backfill')),
    shard smallint not null,
    cause text not null,
    code text,                              -- LG-06xx: why it is in this state
    reason text,
    not_before timestamptz not null default '-infinity',
    source_at timestamptz,
    projected_at timestamptz not null default now(),
    primary key (generation, kind, key)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
create index desired_due on desired (generation, lane, kind, verb, length(key), key) where state = 'queued';
create index desired_waiting on desired (generation, state, kind, key) where state in ('parked', 'asked', 'dead');

create table records (                      -- what is there; once for all generations
    kind text not null,
    key text not null,
    remote_id text,
    present boolean not null default false, -- the destination holds it, as far as receipts say
    unknown boolean not null default false, -- a call left and was not answered: read before anyone writes
    removing boolean not null default false, -- the last call that may have changed it was a removal: its bin is ours
    written_generation int,
    written_seq bigint,
    written_hash text,                      -- of the resolved payload
    created_by_us boolean,
    before_image json,
    orphaned_seq bigint,                    -- the seq at which the destination missed a parent of it
    lease_token uuid,
    lease_until timestamptz,
    leased_by text,
    leased_at timestamptz,
    again text,                             -- an order to write the same again, with its cause
    again_by text,
    again_at timestamptz,
    look_at timestamptz,                    -- after a take-over: read once more, one timeout later
    landed_at timestamptz,
    written_at timestamptz,                 -- the last receipt: a record is not written again at once
    primary key (kind, key)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
create index records_leased on records (lease_until) where lease_token is not null;
create index records_look on records (look_at) where look_at is not null;

create table waits (                        -- who waits for whom, and links left out until their parent lands
    generation int not null,
    kind text not null,
    key text not null,
    on_kind text not null,
    on_key text not null,
    why text not null check (why in ('parent', 'value', 'left_out')),
    primary key (generation, kind, key, on_kind, on_key, why)
);
create index waits_on on waits (generation, on_kind, on_key);

create table unique_claims (                -- who would carry a value that the destination holds unique
    kind text not null,
    field text not null,
    value text not null,
    key text not null,
    primary key (kind, key, field, value)
);
create index unique_claims_by_value on unique_claims (kind, field, value, length(key), key);

create table uniques (                      -- the value itself: its lock, and who holds it in the destination
    kind text not null,
    field text not null,
    value text not null,
    holder_key text,
    settled boolean not null default false, -- the call that gives it to the holder has been answered
    primary key (kind, field, value)
);
create index uniques_by_holder on uniques (kind, holder_key) where holder_key is not null;

create table budget (                       -- one window of the destination's limit, shared by all workers
    destination text not null,
    window_name text not null,
    limit_calls int not null,               -- 0: no limit
    window_ms int not null,
    tokens int not null,
    last_call_at timestamptz not null,
    paused_until timestamptz,
    learned text,                           -- the destination's own words
    primary key (destination, window_name)
);

create table wanted (                       -- the operator's wish
    object text not null,
    stage text not null check (stage in ('capture', 'streams', 'sinks')),
    lane text not null check (lane in ('live', 'backfill')),
    state text not null check (state in ('running', 'paused')),
    by text not null,
    why text not null default '',
    at timestamptz not null default now(),
    primary key (object, stage, lane)
);

create table observed (                     -- what the workers report
    worker text not null,
    object text not null,
    stage text not null,
    lane text not null,
    state text not null,
    at timestamptz not null default now(),
    primary key (worker, object, stage, lane)
);

create table workers (
    worker text primary key,
    stage text not null,
    pid int not null,
    host text not null,
    revision text,                          -- the approved revision it obeys
    since timestamptz not null default now(),
    beat_at timestamptz not null default now(),
    note text
);

create table calls (                        -- what each object cost at the destination
    generation int not null,
    kind text not null,
    verb text not null,
    lane text not null,
    calls bigint not null default 0,
    records bigint not null default 0,
    primary key (generation, kind, verb, lane)
);

create table deliveries (                   -- the trail of receipts
    id bigint generated always as identity primary key,
    generation int not null,
    kind text not null,
    key text not null,
    seq bigint not null,
    verb text not null,
    lane text not null,
    cause text not null,
    source_at timestamptz,
    at timestamptz not null default clock_timestamp()
);
create index deliveries_by_record on deliveries (kind, key, id);

create table journal (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    actor text not null,
    action text not null,
    object text,
    key text,
    detail json not null default '{}'
);

-- The first step that has due work, tried in the order given: lanes, then kinds, then verbs. Each probe is one look
-- into the partial index, so an idle sweep costs the number of steps, not the number of records.
create function desired_due_step(in_generation int, lanes text[], kinds text[], verbs text[], shards smallint[])
returns table (lane text, kind text, verb text) language plpgsql stable as $$
begin
    foreach lane in array lanes loop
        foreach kind in array kinds loop
            foreach verb in array verbs loop
                if exists (select 1 from desired d
                           where d.generation = in_generation and d.lane = desired_due_step.lane
                             and d.kind = desired_due_step.kind and d.verb = desired_due_step.verb
                             and d.state = 'queued' and d.shard = any(shards) and d.not_before <= now()
                             and not exists (select 1 from records r where r.kind = d.kind and r.key = d.key
                                             and r.lease_token is not null)) then
                    return next;
                end if;
            end loop;
        end loop;
    end loop;
end $$;
