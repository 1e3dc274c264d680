-- Records of several parts, and what the first snapshot has finished.

alter table records add column parts json;      -- [object, remote id] of the further rows that belong to the record

create table snapshots (                        -- objects whose first snapshot has been seen to its last row
    object text primary key,
    seen_at timestamptz not null default clock_timestamp()
);
