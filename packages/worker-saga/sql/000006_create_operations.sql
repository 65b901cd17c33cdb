-- What people and the clock do to runs. The first move that each returns is a "verdict": what became of the call.

-- Puts a signal into a run's mailbox, and hands it to the step that waits for it, if one does.
create function :SCHEMA.saga_signal(p_id text, p_name text, p_payload json, p_key text)
returns setof :SCHEMA.saga_move
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set join_collapse_limit = 1
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_run :SCHEMA.saga_runs;
  v_step smallint;
  v_seq bigint;
  v_verdict text;
begin
  v_run := :SCHEMA.saga_locked(p_id);
  if v_run.key is null then
    return query select 'verdict', null::bigint, p_id, null::int, null::smallint, null::int, 'unknown', null::text, null::jsonb, null::float8;
    return;
  end if;
  if exists (select from :SCHEMA.saga_signals where run = v_run.key and name = p_name and key = p_key) then
    v_verdict := 'duplicate';
  elsif v_run.phase <> 'forward' then
    v_verdict := 'finished';
  elsif not exists (select from :SCHEMA.saga_definition_steps where definition = v_run.definition and signal = p_name) then
    v_verdict := 'unheard';
  elsif not exists (
    select from :SCHEMA.saga_definition_steps as d
    join :SCHEMA.saga_steps as s on s.run = v_run.key and s.step = d.step and s.item = -1
    where d.definition = v_run.definition and d.signal = p_name
      and s.state in ('pending', 'queued', 'running', 'retrying', 'waiting')
  ) then
    v_verdict := 'finished';
  else
    insert into :SCHEMA.saga_signals (run, name, payload, key) values (v_run.key, p_name, p_payload, p_key)
    returning seq into v_seq;
    v_verdict := 'stored';
  end if;
  if v_seq is not null then
    select s.step into v_step
    from :SCHEMA.saga_definition_steps as d
    join :SCHEMA.saga_steps as s on s.run = v_run.key and s.step = d.step and s.item = -1
    where d.definition = v_run.definition and d.kind = 'signal' and d.signal = p_name and s.state = 'waiting'
    order by s.step limit 1;
    if v_step is not null then v_verdict := 'delivered'; end if;
  end if;
  return query select 'verdict', v_run.key, p_id, v_run.definition, v_step, -1, v_verdict, v_run.state, null::jsonb, null::float8;
  if v_step is null then return; end if;
  update :SCHEMA.saga_signals set taken_by = v_step, taken_at = clock_timestamp()
  where run = v_run.key and seq = v_seq;
  delete from :SCHEMA.saga_timers where run = v_run.key and step = v_step;
  update :SCHEMA.saga_steps set state = 'succeeded', outcome = 'succeeded', result = p_payload,
    finished_at = clock_timestamp()
  where run = v_run.key and step = v_step and item = -1;
  return query select 'step', v_run.key, p_id, v_run.definition, v_step, -1, 'succeeded', 'waiting', null::jsonb, null::float8;
  return query select * from :SCHEMA.saga_forward(array[v_run.key], array[v_step]);
end $$;

-- Fires timers that are due, at most so many. No verdict.
create function :SCHEMA.saga_fire(p_limit int) returns setof :SCHEMA.saga_move
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set join_collapse_limit = 1
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_due bigint[];
  v_one record;
  v_compensates boolean;
begin
  v_due := array(select run from :SCHEMA.saga_timers where due_at <= now() order by due_at limit p_limit);
  if v_due = '{}' then return; end if;
  perform :SCHEMA.saga_lock(v_due);
  for v_one in
    with fired as (
      delete from :SCHEMA.saga_timers where run = any(v_due) and due_at <= now() returning run, step
    )
    select f.run, f.step, r.id, r.definition, d.id as step_id, d.kind, d.optional, d.signal, s.state
    from fired as f
    join :SCHEMA.saga_runs as r on r.key = f.run and r.phase = 'forward'
    left join :SCHEMA.saga_definition_steps as d on d.definition = r.definition and d.step = f.step
    left join :SCHEMA.saga_steps as s on s.run = f.run and s.step = f.step and s.item = -1
    order by f.run, f.step
  loop
    -- An earlier one of the page may have ended the run.
    if not exists (select from :SCHEMA.saga_runs where key = v_one.run and phase = 'forward') then continue; end if;
    if v_one.step = -1 then
      select compensates into v_compensates from :SCHEMA.saga_definitions where id = v_one.definition;
      return query select * from :SCHEMA.saga_fail(v_one.run, 'deadline', json_build_object('error',
        json_build_object('name', 'DeadlineError', 'message', 'the run did not end before its deadline')), v_compensates);
    elsif v_one.state is distinct from 'waiting' then
      continue;
    elsif v_one.kind = 'sleep' or v_one.optional then
      update :SCHEMA.saga_steps
      set state = case v_one.kind when 'sleep' then 'succeeded' else 'skipped' end,
        outcome = case v_one.kind when 'sleep' then 'succeeded' else 'timed_out' end, finished_at = clock_timestamp()
      where run = v_one.run and step = v_one.step and item = -1;
      return query select 'step', v_one.run, v_one.id, v_one.definition, v_one.step, -1,
        case v_one.kind when 'sleep' then 'succeeded' else 'skipped' end, 'waiting', null::jsonb, null::float8;
      return query select * from :SCHEMA.saga_forward(array[v_one.run], array[v_one.step]);
    else
      update :SCHEMA.saga_steps set state = 'failed', outcome = 'timed_out', finished_at = clock_timestamp(),
        error = json_build_object('name', 'SignalTimeoutError', 'message', 'no signal "' || v_one.signal || '" came in time')
      where run = v_one.run and step = v_one.step and item = -1;
      return query select 'step', v_one.run, v_one.id, v_one.definition, v_one.step, -1, 'failed', 'waiting', null::jsonb, null::float8;
      return query select * from :SCHEMA.saga_settle_failing(array[v_one.run], array[v_one.step], array[-1], array['failed']);
    end if;
  end loop;
end $$;

-- Cancels a run; p_rollback: also one that has succeeded, as its parent's compensation.
create function :SCHEMA.saga_cancel(p_id text, p_error json, p_compensate boolean, p_rollback boolean)
returns setof :SCHEMA.saga_move
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set join_collapse_limit = 1 as $$
#variable_conflict use_column
declare
  v_run :SCHEMA.saga_runs;
  v_verdict text;
begin
  v_run := :SCHEMA.saga_locked(p_id);
  v_verdict := case
    when v_run.key is null then 'unknown'
    when v_run.phase = 'forward' then 'cancelled'
    when v_run.phase = 'done' and p_compensate
      and (v_run.state = 'failed' or (p_rollback and v_run.state = 'succeeded')) then 'cancelled'
    when v_run.phase = 'done' then 'finished'
    when v_run.phase = 'parked' then 'parked'
    else 'failing' end;
  return query select 'verdict', v_run.key, p_id, v_run.definition, null::smallint, null::int, v_verdict, v_run.state, null::jsonb, null::float8;
  if v_verdict <> 'cancelled' then return; end if;
  if v_run.phase = 'done' then
    update :SCHEMA.saga_runs set finished_at = null, phase = 'drain', cause = 'cancelled', error = p_error, compensate = true
    where key = v_run.key;
    return query select * from :SCHEMA.saga_continue(v_run.key);
  else
    return query select * from :SCHEMA.saga_fail(v_run.key, 'cancelled', p_error, p_compensate);
  end if;
end $$;

-- Has a parked run go on: its failed compensations are tried again, or (p_step) those of one step are left out.
create function :SCHEMA.saga_resume(p_id text, p_input json, p_step text, p_error json)
returns setof :SCHEMA.saga_move
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set join_collapse_limit = 1 as $$
#variable_conflict use_column
declare
  v_run :SCHEMA.saga_runs;
  v_one record;
  v_count int;
begin
  v_run := :SCHEMA.saga_locked(p_id);
  select count(*) into v_count
  from :SCHEMA.saga_steps as s
  join :SCHEMA.saga_definition_steps as d on d.definition = v_run.definition and d.step = s.step
  where s.run = v_run.key and s.state = 'compensation_failed' and (p_step is null or d.id = p_step);
  return query select 'verdict', v_run.key, p_id, v_run.definition, null::smallint, v_count,
    case when v_run.key is null then 'unknown' when v_run.phase <> 'parked' then 'not_parked'
      when v_count = 0 then 'no_step' else 'resumed' end,
    v_run.state, null::jsonb, null::float8;
  if v_run.key is null or v_run.phase <> 'parked' or v_count = 0 then return; end if;
  if p_input is not null then
    update :SCHEMA.saga_runs set input = p_input where key = v_run.key;
  end if;
  if p_step is not null then
    with left_out as (
      update :SCHEMA.saga_steps as s set state = 'compensation_skipped', error = p_error
      from :SCHEMA.saga_definition_steps as d
      where d.definition = v_run.definition and d.id = p_step and s.run = v_run.key and s.step = d.step
        and s.state = 'compensation_failed'
      returning s.step, s.item
    ), counted as (
      select step, count(*)::int as count from left_out where item >= 0 group by step
    ), fewer as (
      update :SCHEMA.saga_steps as s set open_items = s.open_items - counted.count
      from counted where s.run = v_run.key and s.step = counted.step and s.item = -1
    )
    select count(*) into v_count from left_out;
    return query select 'step', v_run.key, p_id, v_run.definition, d.step, -1, 'compensation_skipped', 'compensation_failed', null::jsonb, null::float8
    from :SCHEMA.saga_definition_steps as d where d.definition = v_run.definition and d.id = p_step;
    if exists (select from :SCHEMA.saga_steps where run = v_run.key and state = 'compensation_failed') then return; end if;
  end if;
  update :SCHEMA.saga_steps set state = 'undo_pending', job_id = null
  where run = v_run.key and state = 'compensation_failed';
  update :SCHEMA.saga_runs set phase = 'undo', state = 'compensating' where key = v_run.key;
  return query select 'run', v_run.key, p_id, v_run.definition, null::smallint, null::int, 'compensating', v_run.state, null::jsonb, null::float8;
  for v_one in
    select s.step, d.width - (
        select count(*)::int from :SCHEMA.saga_steps as i
        where i.run = s.run and i.step = s.step and i.item >= 0 and i.state in ('undo_queued', 'undo_running', 'undo_retrying')
      ) as room
    from :SCHEMA.saga_steps as s
    join :SCHEMA.saga_definition_steps as d on d.definition = v_run.definition and d.step = s.step and d.kind = 'each'
    where s.run = v_run.key and s.item = -1 and s.state = 'undo_waiting'
  loop
    update :SCHEMA.saga_steps set next_item = total where run = v_run.key and step = v_one.step and item = -1;
    return query select * from :SCHEMA.saga_undo_items(v_run.key, v_one.step, 0, v_one.room);
  end loop;
  return query select * from :SCHEMA.saga_undo_next(v_run.key);
end $$;

-- Starts a run that is over, or parked, once more: p_steps are the definition's steps, each with the step of the run
-- (by its old number) that it keeps, or null where it runs anew. The caller has the run's lock, and checked it.
create function :SCHEMA.saga_redrive(p_run bigint, p_definition int, p_input json, p_steps smallint[], p_kept smallint[],
  p_deadline_ms float8)
returns setof :SCHEMA.saga_move
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off set join_collapse_limit = 1 as $$
#variable_conflict use_column
declare
  v_run :SCHEMA.saga_runs;
  v_was text;
begin
  select state into v_was from :SCHEMA.saga_runs where key = p_run;
  insert into :SCHEMA.saga_attempts
    (run, step, item, attempt, epoch, kind, outcome, error, job_id, pool, started_at, finished_at)
  select p_run, d.id, s.item, s.attempt - s.base, s.epoch, case when s.undoing then 'compensate' else 'execute' end,
    coalesce(s.outcome, 'lost'), s.error, s.job_id, s.pool, s.started_at, s.finished_at
  from :SCHEMA.saga_steps as s
  join :SCHEMA.saga_runs as r on r.key = p_run
  join :SCHEMA.saga_definition_steps as d on d.definition = r.definition and d.step = s.step
  where s.run = p_run and s.started_at is not null and not s.step = any(array_remove(p_kept, null));
  -- Numbers of the new definition, out of the way of those of the old one.
  update :SCHEMA.saga_steps set step = -2 - step where run = p_run;
  update :SCHEMA.saga_steps as s set step = n.step
  from unnest(p_steps, p_kept) as n(step, kept)
  where s.run = p_run and s.step = -2 - n.kept;
  insert into :SCHEMA.saga_steps (run, step, epoch, attempt, base)
  -- One that may have run, and one that has started a child, which is there under that epoch.
  select p_run, n.step, coalesce(o.epoch + case when o.unknown or o.state in
      ('succeeded', 'compensated', 'compensation_failed', 'compensation_skipped') or (od.kind = 'child' and o.attempt > 0)
      then 1 else 0 end, 0),
    coalesce(o.attempt, 0), coalesce(o.attempt, 0)
  from unnest(p_steps, p_kept) as n(step, kept)
  join :SCHEMA.saga_definition_steps as d on d.definition = p_definition and d.step = n.step
  left join :SCHEMA.saga_runs as r on r.key = p_run
  left join :SCHEMA.saga_definition_steps as od on od.definition = r.definition and od.id = d.id
  left join :SCHEMA.saga_steps as o on o.run = p_run and o.step = -2 - od.step and o.item = -1
  where n.kept is null;
  -- Children tell their step by its number when they are over; those of a step that runs anew tell nobody.
  update :SCHEMA.saga_runs as c
  set parent_step = (select n.step from unnest(p_steps, p_kept) as n(step, kept) where n.kept = c.parent_step)
  where c.parent_run = p_run;
  delete from :SCHEMA.saga_steps where run = p_run and step < 0;
  delete from :SCHEMA.saga_timers where run = p_run;
  update :SCHEMA.saga_runs
  set definition = p_definition, input = coalesce(p_input, input), state = 'pending', phase = 'forward', cause = null,
    error = null, compensate = true, started_at = null, finished_at = null,
    deadline_at = now() + p_deadline_ms * interval '1 millisecond'
  where key = p_run
  returning * into v_run;
  if v_run.deadline_at is not null then
    insert into :SCHEMA.saga_timers (run, step, due_at) values (p_run, -1, v_run.deadline_at);
  end if;
  return query select 'run', p_run, v_run.id, p_definition, null::smallint, null::int, 'pending', v_was, null::jsonb, null::float8;
  return query
  with queued as (
    update :SCHEMA.saga_steps as s set state = 'queued'
    from :SCHEMA.saga_definition_steps as d
    where d.definition = p_definition and s.run = p_run and s.step = d.step and s.item = -1 and s.state = 'pending'
      and not exists (
        select from :SCHEMA.saga_steps as n
        where n.run = p_run and n.item = -1 and n.step = any(d.needs) and n.state not in ('succeeded', 'skipped')
      )
    returning s.step
  )
  select 'job', p_run, v_run.id, p_definition, step, -1, 'execute', null::text, v_run.spec, null::float8
  from queued order by step;
end $$;
