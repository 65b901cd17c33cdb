-- A definition is what a run has to know of its workflow's code: the shape of its graph, under its hash.
create table :SCHEMA.saga_definitions (
  id int generated always as identity primary key,
  workflow text not null collate "C",
  hash text not null collate "C",
  version text,
  -- False: a run that fails stops as it is, until somebody redrives or cancels it.
  compensates boolean not null,
  created_at timestamptz not null default now(),
  unique (workflow, hash)
);

create table :SCHEMA.saga_definition_steps (
  definition int not null,
  step smallint not null,
  id text not null collate "C",
  kind text not null,
  needs smallint[] not null,
  next smallint[] not null,
  -- Everything that depends on the step, directly or through others.
  later smallint[] not null,
  always boolean not null,
  undo boolean not null,
  width int,
  signal text collate "C",
  -- Of a wait: a timeout goes on without a payload, where it would fail the run.
  optional boolean not null,
  -- Its writes commit with its outcome: an attempt that was lost has not run.
  exact boolean not null,
  metadata jsonb,
  primary key (definition, step)
);

-- Every transition of a run is made under the lock of its row, and of its parent's: in the order of the key.
create table :SCHEMA.saga_runs (
  key bigint generated always as identity primary key,
  id text not null unique collate "C",
  definition int not null,
  workflow text not null collate "C",
  state text not null default 'pending' check (state in ('pending', 'running', 'succeeded', 'failed',
    'compensating', 'compensated', 'compensation_failed', 'cancelled')),
  -- forward, then done; or drain (no step starts, those that run end), undo, tail (clean-up), done. Parked: an
  -- operator decides.
  phase text not null default 'forward' check (phase in ('forward', 'drain', 'undo', 'parked', 'tail', 'done')),
  -- Why it left forward: step, deadline, cancelled. Null while it is pending or running, and once it has succeeded.
  cause text,
  compensate boolean not null default true,
  input json not null,
  -- Labels, priority and queue of its jobs.
  spec jsonb,
  error json,
  parent_run bigint,
  parent_step smallint,
  deadline_at timestamptz,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz
) with (fillfactor = 80);

create index saga_runs_active on :SCHEMA.saga_runs (key) where finished_at is null;
create index saga_runs_finished on :SCHEMA.saga_runs (finished_at) where finished_at is not null;
create index saga_runs_troubled on :SCHEMA.saga_runs (key) where cause is not null;
create index saga_runs_workflow on :SCHEMA.saga_runs (workflow, key);
create index saga_runs_parent on :SCHEMA.saga_runs (parent_run) where parent_run is not null;

-- One row a step of a run (item −1), and one an item of a fan-out. The row has its last attempt; earlier ones are
-- in saga_attempts. No index on what changes, so that updates stay in their page.
create table :SCHEMA.saga_steps (
  run bigint not null,
  step smallint not null,
  item int not null default -1,
  state text not null default 'pending' check (state in ('pending', 'queued', 'running', 'retrying', 'waiting',
    'succeeded', 'skipped', 'failed', 'cancelled', 'undo_pending', 'undo_queued', 'undo_running', 'undo_retrying',
    'undo_waiting', 'compensated', 'compensation_failed', 'compensation_skipped')),
  -- Counts what was begun, and is the token of who may record an outcome; base: where the present round began.
  attempt int not null default 0,
  base int not null default 0,
  -- How often it was redriven after it had run.
  epoch int not null default 0,
  -- An attempt whose outcome is not known: it may have run.
  unknown boolean not null default false,
  undoing boolean not null default false,
  -- What came of the last attempt; null while it runs.
  outcome text,
  job_id bigint,
  pool text,
  started_at timestamptz,
  finished_at timestamptz,
  input json,
  result json,
  error json,
  -- Of a fan-out: its items, the next one to queue, and those that are not settled.
  total int,
  next_item int,
  open_items int,
  primary key (run, step, item)
) with (fillfactor = 70);

create table :SCHEMA.saga_attempts (
  run bigint not null,
  seq bigint generated always as identity,
  step text not null collate "C",
  item int not null,
  attempt int not null,
  epoch int not null,
  kind text not null,
  outcome text not null,
  error json,
  job_id bigint,
  pool text,
  started_at timestamptz,
  finished_at timestamptz,
  primary key (run, seq)
);

-- The mailbox: a signal stays until a step that waits for its name takes it.
create table :SCHEMA.saga_signals (
  run bigint not null,
  seq bigint generated always as identity,
  name text not null collate "C",
  payload json,
  key text collate "C",
  sent_at timestamptz not null default clock_timestamp(),
  taken_by smallint,
  taken_at timestamptz,
  primary key (run, seq)
);
create unique index saga_signals_key on :SCHEMA.saga_signals (run, name, key) where key is not null;

-- What is due at a time: the end of a sleep, of a wait, of the run (step −1).
create table :SCHEMA.saga_timers (
  run bigint not null,
  step smallint not null,
  due_at timestamptz not null,
  primary key (run, step)
);
create index saga_timers_due on :SCHEMA.saga_timers (due_at);

-- Jobs that a process deferred because it does not have the definition of their run, until one that has it comes by.
create table :SCHEMA.saga_strays (
  job_id bigint primary key,
  workflow text not null collate "C",
  hash text not null collate "C",
  noted_at timestamptz not null default clock_timestamp()
);

-- What a function moved: a job to add (state: execute or undo), a step's or a run's transition.
create type :SCHEMA.saga_move as (
  what text,
  run bigint,
  id text,
  definition int,
  step smallint,
  item int,
  state text,
  was text,
  spec jsonb,
  seconds float8
);

comment on table :SCHEMA.saga_runs is 'Runs of workflows: one row each, kept for the retention once finished.';
comment on table :SCHEMA.saga_steps is 'Steps of runs, with the result and the last attempt of each.';
comment on table :SCHEMA.saga_attempts is 'Earlier attempts of steps: what came of each, and when.';
