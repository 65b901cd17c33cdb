-- What is deployed: one row for each set of schedules that a process has brought along. Of the sets that were
-- seen lately, the one with the highest version, then generation, decides what cron_schedules holds.
create table :SCHEMA.cron_registries (
  fingerprint text primary key collate "C",
  version bigint not null default 0,
  generation bigint not null,
  schedules int not null,
  first_seen_at timestamptz not null default clock_timestamp(),
  seen_at timestamptz not null default clock_timestamp()
);
create sequence :SCHEMA.cron_generations;

-- One row a schedule. Those of origin 'code' are the deployed set's: drift is healed. Those of origin 'database'
-- were made at run time and are left alone.
create table :SCHEMA.cron_schedules (
  key text primary key collate "C",
  origin text not null check (origin in ('code', 'database')),
  cron text not null,
  timezone text not null,
  enabled boolean not null default true,
  task text not null collate "C",
  -- json, not jsonb: a payload is kept to the letter.
  payload json,
  settings jsonb not null default '{}',
  correlation_id text not null collate "C",
  paused_at timestamptz,
  paused_reason text,
  -- Null: it does not fire any more (ended, or all its runs are used up).
  next_slot timestamptz,
  last_slot timestamptz,
  runs bigint not null default 0,
  failures int not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 70);

-- What is due next, without what cannot fire.
create index cron_schedules_due on :SCHEMA.cron_schedules (next_slot)
  where enabled and paused_at is null;

-- The ledger: one row a slot, whatever became of it. The unique key is what makes a slot fire once.
create table :SCHEMA.scheduled_job_events (
  id bigint generated always as identity primary key,
  job_key text not null collate "C",
  scheduled_at timestamptz not null,
  started_at timestamptz,
  completed_at timestamptz,
  status text not null collate "C"
    check (status in ('scheduled', 'started', 'succeeded', 'failed', 'missed', 'skipped')),
  error text,
  job_id bigint,
  attempts int not null default 0,
  source text not null default 'slot' collate "C",
  correlation_id text collate "C",
  created_at timestamptz not null default clock_timestamp(),
  unique (job_key, scheduled_at)
) with (fillfactor = 80);

-- Runs that are not over, for overlap policies.
create index scheduled_job_events_open on :SCHEMA.scheduled_job_events (job_key)
  where status in ('scheduled', 'started');
-- Retention.
create index scheduled_job_events_created on :SCHEMA.scheduled_job_events (created_at);
