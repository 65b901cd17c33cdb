-- Functions make plans that look rows up by their keys, whatever the statistics say: they are taken from tables that
-- were empty a moment ago, and a plan is kept for as long as its connection. So joins are made in the order in which they
-- are written. Functions that others call have it from them.

-- Takes the locks under which runs change: theirs and their parents', in one order everywhere.
create function :SCHEMA.saga_lock(p_runs bigint[]) returns void
language plpgsql as $$
begin
  perform from :SCHEMA.saga_runs
  where key = any(array(
    select distinct one.key from :SCHEMA.saga_runs as r
    cross join lateral (values (r.key), (r.parent_run)) as one(key)
    where r.key = any(p_runs) and one.key is not null
  ))
  order by key
  for no key update;
end $$;

-- A run by its id, under its lock; all null where there is none.
create function :SCHEMA.saga_locked(p_id text) returns :SCHEMA.saga_runs
language plpgsql as $$
declare
  v_run :SCHEMA.saga_runs;
begin
  perform :SCHEMA.saga_lock(array(select key from :SCHEMA.saga_runs where id = p_id));
  select * into v_run from :SCHEMA.saga_runs where id = p_id;
  return v_run;
end $$;

-- Starts runs whose ids are not there yet: a move "run" for each of those, and the jobs of their first steps.
create function :SCHEMA.saga_start(p_id text[], p_definition int[], p_workflow text[], p_input text[], p_spec text[],
  p_deadline_ms float8[], p_parent_run bigint, p_parent_step smallint)
returns setof :SCHEMA.saga_move
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set join_collapse_limit = 1
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_run bigint[];
begin
  with added as (
    insert into :SCHEMA.saga_runs (id, definition, workflow, input, spec, deadline_at, parent_run, parent_step)
    select id, definition, workflow, input::json, spec::jsonb,
      now() + deadline_ms * interval '1 millisecond', p_parent_run, p_parent_step
    from unnest(p_id, p_definition, p_workflow, p_input, p_spec, p_deadline_ms) with ordinality
      as one(id, definition, workflow, input, spec, deadline_ms, place)
    order by id, place
    on conflict (id) do nothing
    returning key, deadline_at
  ), timed as (
    insert into :SCHEMA.saga_timers (run, step, due_at)
    select key, -1, deadline_at from added where deadline_at is not null
  )
  select array_agg(key) into v_run from added;
  if v_run is null then return; end if;
  insert into :SCHEMA.saga_steps (run, step, state)
  select r.key, d.step, case when d.needs = '{}' then 'queued' else 'pending' end
  from :SCHEMA.saga_runs as r
  join :SCHEMA.saga_definition_steps as d on d.definition = r.definition
  where r.key = any(v_run);
  return query
  select 'run', r.key, r.id, r.definition, null::smallint, null::int, 'pending', null::text, null::jsonb, null::float8
  from :SCHEMA.saga_runs as r where r.key = any(v_run);
  return query
  select 'job', r.key, r.id, r.definition, d.step, -1, 'execute', null::text, r.spec, null::float8
  from :SCHEMA.saga_runs as r
  join :SCHEMA.saga_definition_steps as d on d.definition = r.definition
  where r.key = any(v_run) and d.needs = '{}';
end $$;

-- Begins attempts. Verdicts: go; drain (its run fails, nothing starts any more). A job that is not the step's present
-- one, or whose step is over, has no row in the answer.
create function :SCHEMA.saga_begin(p_run bigint[], p_step smallint[], p_item int[], p_job bigint[], p_pool text[])
returns table (place int, verdict text, attempt int, tries int, epoch int, undoing boolean, lost boolean, id text,
  definition int, phase text, cause text, run_error json, input json, results json, item_input json, result json,
  total int, deadline_ms float8, is_first boolean)
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set join_collapse_limit = 1
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
  return query
  with old as (
    select i.place, i.pool as new_pool, s.*, r.id, r.definition, r.state as run_state, r.phase, r.cause, r.error as run_error,
      r.input as run_input, r.deadline_at, d.id as step_id, d.needs, d.exact,
      case
        when s.state in ('undo_queued', 'undo_running', 'undo_retrying') then
          case when r.phase in ('undo', 'parked') then 'go' end
        when s.state not in ('queued', 'running', 'retrying') then null
        when r.phase = 'forward' or (r.phase = 'tail' and d.always) then 'go'
        when d.kind = 'child' and s.attempt > s.base then 'go'
        else 'drain'
      end as verdict
    from unnest(p_run, p_step, p_item, p_job, p_pool) with ordinality as i(run, step, item, job, pool, place)
    join :SCHEMA.saga_steps as s on s.run = i.run and s.step = i.step and s.item = i.item
    join :SCHEMA.saga_runs as r on r.key = s.run
    join :SCHEMA.saga_definition_steps as d on d.definition = r.definition and d.step = s.step
    where s.job_id = i.job
    order by s.run, s.step, s.item
    for no key update of s
  ), first as (
    -- Without waiting: whoever has the run has its lock before those of its steps. Another attempt does it then.
    update :SCHEMA.saga_runs as r set state = 'running', started_at = clock_timestamp()
    where r.key = any(array(
        select key from :SCHEMA.saga_runs
        where state = 'pending' and key = any(array(select run from old where run_state = 'pending' and verdict = 'go'))
        for no key update skip locked
      ))
    returning r.key
  ), archived as (
    insert into :SCHEMA.saga_attempts
      (run, step, item, attempt, epoch, kind, outcome, error, job_id, pool, started_at, finished_at)
    select run, step_id, item, attempt - base, epoch, case when undoing then 'compensate' else 'execute' end,
      coalesce(outcome, 'lost'), error, job_id, pool, started_at, finished_at
    from old where verdict = 'go' and started_at is not null
  ), begun as (
    update :SCHEMA.saga_steps as s
    set state = case when s.state like 'undo%' then 'undo_running' else 'running' end,
      attempt = s.attempt + 1,
      unknown = s.unknown or (s.state = 'running' and not old.exact),
      undoing = s.state like 'undo%',
      base = case when s.state like 'undo%' and not s.undoing then s.attempt else s.base end,
      outcome = null, error = null, pool = old.new_pool, started_at = clock_timestamp(), finished_at = null
    from old
    where old.verdict = 'go' and s.run = old.run and s.step = old.step and s.item = old.item
    returning old.place, s.attempt, s.attempt - s.base as tries, s.undoing
  )
  select old.place::int, old.verdict, coalesce(begun.attempt, old.attempt), begun.tries, old.epoch,
    coalesce(begun.undoing, old.undoing), old.state in ('running', 'undo_running'),
    old.id, old.definition, old.phase, old.cause, old.run_error, old.run_input,
    case when old.needs = '{}' then null else (
      select json_object_agg(nd.id, p.result)
      from :SCHEMA.saga_steps as p
      cross join lateral (
        select id from :SCHEMA.saga_definition_steps where definition = old.definition and step = p.step limit 1
      ) as nd
      where p.run = old.run and p.step = any(old.needs) and p.item = -1 and p.result is not null
    ) end,
    old.input, old.result, old.total,
    case when old.phase = 'forward' then extract(epoch from old.deadline_at - clock_timestamp())::float8 * 1000 end,
    exists (select from first where first.key = old.run)
  from old left join begun on begun.place = old.place
  where old.verdict is not null;
end $$;
