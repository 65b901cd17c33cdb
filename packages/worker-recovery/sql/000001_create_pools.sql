-- One row for each pool of the engine that runs jobs (its id is `locked_by` of the jobs that it holds),
-- there from before its first claim until it has ended or, if it died, until its jobs are back in the queue.
create table :SCHEMA.recovery_pools (
  pool text primary key,
  host text not null,
  pid int not null,
  started_at timestamptz not null default now(),
  beat_at timestamptz not null default now(),
  heartbeat_ms int not null check (heartbeat_ms > 0),
  dead_after_ms int not null check (dead_after_ms > heartbeat_ms),
  dead_at timestamptz,
  swept_at timestamptz,
  clean_at timestamptz
) with (
  -- Every pool rewrites its row with each beat. No index has what a beat changes, so with room in the page
  -- those updates stay on it (HOT).
  fillfactor = 50,
  -- The table is tiny and all change: do not wait for the default of 50 dead rows and 20 %.
  autovacuum_vacuum_threshold = 200,
  autovacuum_vacuum_scale_factor = 0
);

comment on table :SCHEMA.recovery_pools is
  'Pools of graphile-worker that are alive, and dead ones whose jobs are being taken back.';
comment on column :SCHEMA.recovery_pools.beat_at is
  'When the pool last said that it is alive, by the clock of the database.';
comment on column :SCHEMA.recovery_pools.dead_at is
  'When the pool was found to be dead; null while it is alive. It never becomes alive again.';
comment on column :SCHEMA.recovery_pools.swept_at is
  'When somebody last began to take the jobs of the dead pool back.';
comment on column :SCHEMA.recovery_pools.clean_at is
  'When the jobs of the dead pool were first back in the queue; it is looked at once more after that.';

-- Starts of suspects (jobs with the label `crashes`) that have not ended: if their pool dies, it may be
-- because of them.
create table :SCHEMA.recovery_starts (
  job_id bigint primary key,
  pool text not null,
  started_at timestamptz not null default now()
) with (
  autovacuum_vacuum_scale_factor = 0.05
);

create index recovery_starts_pool on :SCHEMA.recovery_starts (pool);

comment on table :SCHEMA.recovery_starts is
  'Jobs that run again after the pool that held them has died, while they run.';
