-- One row a job at most: why it does not run. Upserted by defer, skip, exhaust and hold.
-- No foreign key to the engine's jobs: its tables are its own, and it deletes jobs without asking.
create table :SCHEMA.core_notes (
  job_id bigint primary key,
  plugin text not null,
  code text not null,
  message text not null,
  kind text not null check (kind in ('deferred', 'skipped', 'exhausted', 'held')),
  until timestamptz,
  held_from timestamptz,
  count int not null default 1,
  updated_at timestamptz not null default now()
) with (
  -- A job that is deferred again and again rewrites its row each time. Room in the page lets those
  -- updates stay on it and leave the indexes alone (HOT), as none of the columns they change is indexed.
  fillfactor = 70,
  -- Notes come and go with their jobs: vacuum after 5 % of the rows, not after 20 %.
  autovacuum_vacuum_scale_factor = 0.05
);

-- Held jobs are released in the order in which they would have run.
create index core_notes_held on :SCHEMA.core_notes (plugin, held_from, job_id) where kind = 'held';

comment on table :SCHEMA.core_notes is
  'Why a job does not run: one row a job, written when a plugin defers, skips, exhausts or holds it.';
comment on column :SCHEMA.core_notes.held_from is
  'The run_at that the job had before it was held; it gets it back when it is released.';
comment on column :SCHEMA.core_notes.count is
  'How often the job was stopped in a row.';
