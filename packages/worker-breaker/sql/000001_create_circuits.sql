-- One row a dependency that something has happened to. The record is changed as a whole, under the row's lock, by one
-- machine that all stores share; the columns that follow from it are for people and queries.
create table :SCHEMA.breaker_circuits (
  dependency text primary key collate "C",
  record jsonb not null,
  state text not null generated always as (record ->> 'state') stored
    check (state in ('closed', 'open', 'half-open', 'forced-open', 'forced-closed', 'metrics-only')),
  since timestamptz not null
    generated always as (to_timestamp((record ->> 'since')::float8 / 1000)) stored,
  probe_at timestamptz
    generated always as (to_timestamp((record ->> 'probeAt')::float8 / 1000)) stored,
  last_error text generated always as (record ->> 'lastError') stored,
  -- Which process parks and releases jobs, and until when nobody else does.
  leader text,
  leader_until timestamptz
) with (
  -- Few rows that change often: room in the page for updates that leave the index alone (HOT).
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0.05
);

-- Probes under way, one row each: leases that end by themselves when their process has crashed.
create view :SCHEMA.breaker_probes as
select circuits.dependency, probe ->> 'id' as id,
  to_timestamp((probe ->> 'until')::float8 / 1000) as until
from :SCHEMA.breaker_circuits as circuits, jsonb_array_elements(circuits.record -> 'probes') as probe
where circuits.state = 'half-open';

-- Every transition, and who did what by hand.
create table :SCHEMA.breaker_transitions (
  id bigint generated always as identity primary key,
  dependency text not null collate "C",
  at timestamptz not null,
  from_state text not null,
  to_state text not null,
  generation bigint not null,
  reason text,
  actor text,
  last_error text,
  next_probe timestamptz
);

-- A dependency's history, and its end.
create index breaker_transitions_of on :SCHEMA.breaker_transitions (dependency, id);

comment on table :SCHEMA.breaker_circuits is
  'The state of each dependency''s circuit, shared by all processes.';
comment on table :SCHEMA.breaker_transitions is
  'Transitions of circuits, with reason and actor.';
comment on column :SCHEMA.breaker_circuits.record is
  'All of the state: window, probes, generation. Instants are milliseconds since the epoch.';
