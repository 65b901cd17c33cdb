-- One row a dead letter. A job is in the engine's table or here, never in both: one statement deletes it
-- there and inserts it here. Whatever ends a dead letter (reprocess, discard, retention) deletes its row.
-- No foreign key to the engine's tables: they are its own.
create table :SCHEMA.graphile_worker_dlq (
  id bigint generated always as identity primary key,
  job_id bigint not null,
  origin_id bigint not null,
  requeue_count int not null default 0,
  task text not null collate "C",
  queue_name text,
  job_key text,
  priority int not null,
  -- json, as the engine has it: it keeps a payload to the letter, also what jsonb refuses (\u0000).
  payload json not null,
  payload_size int not null,
  redacted text[],
  flags jsonb,
  attempts int not null,
  max_attempts int not null,
  run_at timestamptz not null,
  created_at timestamptz not null,
  failed_at timestamptz not null,
  dead_at timestamptz not null default now(),
  reason text not null collate "C",
  error_name text,
  error_code text,
  error_message text not null,
  error_stack text,
  error_causes jsonb,
  earlier_errors jsonb,
  fingerprint text not null collate "C",
  worker text
) with (
  -- Pages that are all visible let groups be counted from an index alone: keep up with inserts, too.
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_vacuum_scale_factor = 0.05
);

-- Pages of a task's list; its oldest entry, its size and its retention.
create index graphile_worker_dlq_task on :SCHEMA.graphile_worker_dlq (task, id);
-- Groups are counted along this index alone, so the task and the first and last id are in it.
create index graphile_worker_dlq_cause on :SCHEMA.graphile_worker_dlq (fingerprint, id) include (task);
-- Ranges of time, at next to no cost: rows come in the order of their time.
create index graphile_worker_dlq_time on :SCHEMA.graphile_worker_dlq using brin (dead_at);
-- By the id that logs and traces name.
create index graphile_worker_dlq_job on :SCHEMA.graphile_worker_dlq (job_id);
-- By label.
create index graphile_worker_dlq_flags on :SCHEMA.graphile_worker_dlq using gin (flags)
  where flags is not null;

comment on table :SCHEMA.graphile_worker_dlq is
  'Jobs that failed for good, moved here from the queue, with what went wrong.';
comment on column :SCHEMA.graphile_worker_dlq.job_id is
  'The id that the job had in the queue.';
comment on column :SCHEMA.graphile_worker_dlq.origin_id is
  'The id of the first job of its history: reprocessing makes a new job each time.';
comment on column :SCHEMA.graphile_worker_dlq.requeue_count is
  'How often the job had been reprocessed when it died.';
comment on column :SCHEMA.graphile_worker_dlq.redacted is
  'Paths of the payload whose values were replaced before it was stored; null when none was.';
comment on column :SCHEMA.graphile_worker_dlq.fingerprint is
  'The same for dead letters of one cause: task, error name, normalised message, own function.';
comment on column :SCHEMA.graphile_worker_dlq.worker is
  'The pool that ran the last attempt, where it is known.';
