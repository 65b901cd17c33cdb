-- Plain jobs that wait for others, for steps or for runs. A gate is there for each job that was added through the
-- plugin, so that others can wait for it: waiting, ready, then succeeded; or failed, or cancelled.
create table :SCHEMA.saga_gates (
  id bigint generated always as identity primary key,
  job_id bigint,
  state text not null check (state in ('waiting', 'ready', 'succeeded', 'failed', 'cancelled')),
  -- What a failed dependency means: fail, cancel, ignore.
  policy text not null,
  run_at timestamptz,
  reason text,
  -- The queue knows of the state.
  acted boolean not null,
  created_at timestamptz not null default now(),
  settled_at timestamptz
);
create unique index saga_gates_job on :SCHEMA.saga_gates (job_id);
create index saga_gates_acting on :SCHEMA.saga_gates (id) where not acted;
create index saga_gates_open on :SCHEMA.saga_gates (id) where state in ('waiting', 'ready');
create index saga_gates_settled on :SCHEMA.saga_gates (settled_at) where settled_at is not null;

create table :SCHEMA.saga_gate_needs (
  gate bigint not null,
  need int not null,
  need_gate bigint,
  run bigint,
  -- Null: the whole run.
  step smallint,
  ok boolean,
  primary key (gate, need)
);
create index saga_gate_needs_gate on :SCHEMA.saga_gate_needs (need_gate) where ok is null and need_gate is not null;
create index saga_gate_needs_run on :SCHEMA.saga_gate_needs (run, gate) where ok is null and run is not null;

-- Goes on from needs that are settled: gates that have none left are ready; a need that failed closes its gate, and
-- those that wait for that one.
create function :SCHEMA.saga_gates_open(p_gates bigint[]) returns void
language plpgsql set enable_seqscan = off set enable_hashjoin = off set jit = off set join_collapse_limit = 1 as $$
#variable_conflict use_column
declare
  v_gates bigint[] := p_gates;
  v_closed bigint[];
begin
  while v_gates <> '{}' loop
    perform from :SCHEMA.saga_gates where id = any(v_gates) and state = 'waiting' order by id for update;
    with closed as (
      update :SCHEMA.saga_gates as g
      set state = case g.policy when 'cancel' then 'cancelled' else 'failed' end, acted = false,
        reason = 'a job, step or run that it waits for failed', settled_at = clock_timestamp()
      where g.id = any(v_gates) and g.state = 'waiting' and g.policy <> 'ignore'
        and exists (select from :SCHEMA.saga_gate_needs as n where n.gate = g.id and not n.ok)
      returning g.id
    )
    select coalesce(array_agg(id), '{}') into v_closed from closed;
    update :SCHEMA.saga_gates as g set state = 'ready', acted = false
    where g.id = any(v_gates) and g.state = 'waiting'
      and not exists (select from :SCHEMA.saga_gate_needs as n where n.gate = g.id and n.ok is null);
    with settled as (
      update :SCHEMA.saga_gate_needs set ok = false where need_gate = any(v_closed) and ok is null returning gate
    )
    select coalesce(array_agg(distinct gate), '{}') into v_gates from settled;
  end loop;
end $$;

-- Jobs with gates have ended.
create function :SCHEMA.saga_gates_settle(p_gates bigint[], p_ok boolean) returns void
language plpgsql set enable_seqscan = off set enable_hashjoin = off set jit = off set join_collapse_limit = 1 as $$
#variable_conflict use_column
declare
  v_gates bigint[];
begin
  perform from :SCHEMA.saga_gates where id = any(p_gates) order by id for update;
  update :SCHEMA.saga_gates
  set state = case when p_ok then 'succeeded' else 'failed' end, acted = true, settled_at = clock_timestamp()
  where id = any(p_gates) and state in ('waiting', 'ready');
  with settled as (
    update :SCHEMA.saga_gate_needs set ok = p_ok where need_gate = any(p_gates) and ok is null returning gate
  )
  select coalesce(array_agg(distinct gate), '{}') into v_gates from settled;
  perform :SCHEMA.saga_gates_open(v_gates);
end $$;

-- Looks at steps and runs that gates wait for, at most so many of them from a run on: how many were looked at, and the
-- last run of them.
create function :SCHEMA.saga_gates_look(p_after bigint, p_limit int, out looked int, out last bigint)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set jit = off set join_collapse_limit = 1 as $$
#variable_conflict use_column
declare
  v_gates bigint[];
begin
  with page as (
    select gate, need, run, step from :SCHEMA.saga_gate_needs
    where ok is null and run is not null and run > p_after order by run, gate limit p_limit
  ), known as (
    select p.gate, p.need, case
        when r.key is null then false
        when p.step is null then case when r.phase in ('done', 'parked') then r.state = 'succeeded' end
        when s.state in ('succeeded', 'skipped') then true
        when s.state in ('failed', 'cancelled', 'compensated', 'compensation_failed', 'compensation_skipped')
          or s.state like 'undo%' then false
      end as ok
    from page as p
    left join :SCHEMA.saga_runs as r on r.key = p.run
    left join :SCHEMA.saga_steps as s on s.run = p.run and s.step = p.step and s.item = -1
  ), settled as (
    update :SCHEMA.saga_gate_needs as n set ok = known.ok
    from known
    where known.ok is not null and n.gate = known.gate and n.need = known.need
    returning n.gate
  )
  select (select count(*) from page), (select max(run) from page),
    coalesce((select array_agg(distinct gate) from settled), '{}')
  into looked, last, v_gates;
  perform :SCHEMA.saga_gates_open(v_gates);
end $$;
