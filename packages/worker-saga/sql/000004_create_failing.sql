-- What follows once a run leaves forward. All of it runs under the run's lock, on one run at a time, and is called by
-- functions that say how to plan.

-- A run is over: its timers go, its parent is told.
create function :SCHEMA.saga_finish(p_run bigint) returns setof :SCHEMA.saga_move
language plpgsql as $$
#variable_conflict use_column
declare
  v_run :SCHEMA.saga_runs;
  v_state text;
begin
  select * into v_run from :SCHEMA.saga_runs where key = p_run;
  v_state := case
    when v_run.cause = 'cancelled' then 'cancelled'
    when exists (select from :SCHEMA.saga_steps
      where run = p_run and item = -1 and state in ('compensated', 'compensation_skipped')) then 'compensated'
    else 'failed' end;
  update :SCHEMA.saga_runs set state = v_state, phase = 'done', finished_at = clock_timestamp() where key = p_run;
  delete from :SCHEMA.saga_timers where run = p_run;
  return query select 'run', p_run, v_run.id, v_run.definition, null::smallint, null::int, v_state, v_run.state,
    null::jsonb, extract(epoch from clock_timestamp() - v_run.created_at)::float8;
  if v_run.parent_run is not null then
    return query select * from :SCHEMA.saga_tell_parent(p_run);
  end if;
end $$;

-- Clean-up: steps that always run and have not yet, in the order of what they need among themselves.
create function :SCHEMA.saga_tail(p_run bigint) returns setof :SCHEMA.saga_move
language plpgsql as $$
#variable_conflict use_column
declare
  v_run :SCHEMA.saga_runs;
begin
  update :SCHEMA.saga_runs set phase = 'tail' where key = p_run returning * into v_run;
  return query
  with queued as (
    update :SCHEMA.saga_steps as s set state = 'queued'
    from :SCHEMA.saga_definition_steps as d
    where d.definition = v_run.definition and d.always and s.run = p_run and s.step = d.step and s.item = -1
      and s.state = 'pending'
      and not exists (
        select from :SCHEMA.saga_steps as n
        join :SCHEMA.saga_definition_steps as nd on nd.definition = v_run.definition and nd.step = n.step
        where n.run = p_run and n.item = -1 and n.step = any(d.needs) and nd.always
          and n.state in ('pending', 'queued', 'running', 'retrying')
      )
    returning s.step
  )
  select 'job', p_run, v_run.id, v_run.definition, step, -1, 'execute', null::text, v_run.spec, null::float8
  from queued order by step;
  if not exists (
    select from :SCHEMA.saga_steps as s
    join :SCHEMA.saga_definition_steps as d on d.definition = v_run.definition and d.step = s.step
    where s.run = p_run and s.item = -1 and d.always and s.state in ('pending', 'queued', 'running', 'retrying')
  ) then
    return query select * from :SCHEMA.saga_finish(p_run);
  end if;
end $$;

-- Items of a fan-out were undone (p_settled); as many as p_queue others are queued, the last ones first.
create function :SCHEMA.saga_undo_items(p_run bigint, p_step smallint, p_settled int, p_queue int)
returns setof :SCHEMA.saga_move
language plpgsql as $$
#variable_conflict use_column
declare
  v_run :SCHEMA.saga_runs;
  v_cursor int;
  v_open int;
  v_items int[];
begin
  select * into v_run from :SCHEMA.saga_runs where key = p_run;
  update :SCHEMA.saga_steps set open_items = open_items - p_settled
  where run = p_run and step = p_step and item = -1
  returning next_item, open_items into v_cursor, v_open;
  if v_run.phase <> 'undo' then return; end if;
  if v_open <= 0 then
    update :SCHEMA.saga_steps set state = 'compensated', outcome = 'succeeded', finished_at = clock_timestamp()
    where run = p_run and step = p_step and item = -1;
    return query select 'step', p_run, v_run.id, v_run.definition, p_step, -1, 'compensated', 'undo_waiting',
      null::jsonb, null::float8;
    return query select * from :SCHEMA.saga_undo_next(p_run);
    return;
  end if;
  v_items := array(
    select item from :SCHEMA.saga_steps
    where run = p_run and step = p_step and item >= 0 and item < v_cursor and state = 'undo_pending'
    order by item desc limit greatest(p_queue, 0)
  );
  if v_items = '{}' then return; end if;
  update :SCHEMA.saga_steps set state = 'undo_queued', job_id = null
  where run = p_run and step = p_step and item = any(v_items);
  update :SCHEMA.saga_steps set next_item = (select min(one) from unnest(v_items) as one)
  where run = p_run and step = p_step and item = -1;
  return query select 'job', p_run, v_run.id, v_run.definition, p_step, one, 'undo', null::text, v_run.spec, null::float8
  from unnest(v_items) as one;
end $$;

-- Compensations whose turn it is: nothing that depends on the step has one left. Without any, the clean-up.
create function :SCHEMA.saga_undo_next(p_run bigint) returns setof :SCHEMA.saga_move
language plpgsql as $$
#variable_conflict use_column
declare
  v_run :SCHEMA.saga_runs;
  v_one record;
begin
  select * into v_run from :SCHEMA.saga_runs where key = p_run;
  if v_run.phase <> 'undo' then return; end if;
  for v_one in
    select s.step, d.kind, d.width
    from :SCHEMA.saga_steps as s
    join :SCHEMA.saga_definition_steps as d on d.definition = v_run.definition and d.step = s.step
    where s.run = p_run and s.item = -1 and s.state = 'undo_pending'
      and not exists (
        select from :SCHEMA.saga_steps as l
        where l.run = p_run and l.item = -1 and l.step = any(d.later) and (l.state like 'undo%' or l.state = 'compensation_failed')
      )
    order by s.step desc
  loop
    if v_one.kind = 'each' then
      update :SCHEMA.saga_steps set state = 'undo_waiting', next_item = total
      where run = p_run and step = v_one.step and item = -1;
      return query select * from :SCHEMA.saga_undo_items(p_run, v_one.step, 0, v_one.width);
    else
      update :SCHEMA.saga_steps set state = 'undo_queued', job_id = null
      where run = p_run and step = v_one.step and item = -1;
      return query select 'job', p_run, v_run.id, v_run.definition, v_one.step, -1, 'undo', null::text, v_run.spec,
        null::float8;
    end if;
  end loop;
  if not exists (
    select from :SCHEMA.saga_steps
    where run = p_run and item = -1 and (state like 'undo%' or state = 'compensation_failed')
  ) then
    return query select * from :SCHEMA.saga_tail(p_run);
  end if;
end $$;

-- No step runs any more: what ran, or may have run, is to be undone.
create function :SCHEMA.saga_undo(p_run bigint) returns setof :SCHEMA.saga_move
language plpgsql as $$
#variable_conflict use_column
declare
  v_run :SCHEMA.saga_runs;
  v_count int;
begin
  select * into v_run from :SCHEMA.saga_runs where key = p_run;
  if not v_run.compensate then
    return query select * from :SCHEMA.saga_tail(p_run);
    return;
  end if;
  update :SCHEMA.saga_steps as s set state = 'undo_pending', job_id = null
  from :SCHEMA.saga_definition_steps as d
  where d.definition = v_run.definition and d.undo and s.run = p_run and s.step = d.step
    and (d.kind = 'each') = (s.item >= 0)
    and (s.state = 'succeeded' or (s.unknown and s.state in ('failed', 'cancelled')));
  update :SCHEMA.saga_steps as s set state = 'undo_pending', job_id = null, open_items = items.count
  from (
    select step, count(*)::int as count from :SCHEMA.saga_steps
    where run = p_run and item >= 0 and state = 'undo_pending' group by step
  ) as items
  where s.run = p_run and s.step = items.step and s.item = -1;
  select count(*) into v_count from :SCHEMA.saga_steps where run = p_run and item = -1 and state = 'undo_pending';
  if v_count = 0 then
    return query select * from :SCHEMA.saga_tail(p_run);
    return;
  end if;
  update :SCHEMA.saga_runs set phase = 'undo', state = 'compensating' where key = p_run;
  if v_run.state <> 'compensating' then
    return query select 'run', p_run, v_run.id, v_run.definition, null::smallint, null::int, 'compensating',
      v_run.state, null::jsonb, null::float8;
  end if;
  return query select * from :SCHEMA.saga_undo_next(p_run);
end $$;

-- Goes on with a run that left forward, after something of it has settled.
create function :SCHEMA.saga_continue(p_run bigint) returns setof :SCHEMA.saga_move
language plpgsql as $$
#variable_conflict use_column
declare
  v_run :SCHEMA.saga_runs;
begin
  select * into v_run from :SCHEMA.saga_runs where key = p_run;
  if v_run.phase = 'undo' then
    return query select * from :SCHEMA.saga_undo_next(p_run);
  elsif v_run.phase = 'tail' then
    return query select * from :SCHEMA.saga_tail(p_run);
  elsif v_run.phase = 'drain' then
    if exists (
      select from :SCHEMA.saga_steps as s
      join :SCHEMA.saga_definition_steps as d on d.definition = v_run.definition and d.step = s.step
      where s.run = p_run
        and (s.state = 'running' or (d.kind = 'child' and s.state in ('queued', 'retrying', 'waiting')))
    ) then return; end if;
    update :SCHEMA.saga_steps set state = 'cancelled' where run = p_run and item = -1 and state = 'waiting';
    return query select * from :SCHEMA.saga_undo(p_run);
  end if;
end $$;

-- Has a run leave forward: what has not begun does not begin any more, what runs is waited for.
create function :SCHEMA.saga_fail(p_run bigint, p_cause text, p_error json, p_compensate boolean)
returns setof :SCHEMA.saga_move
language plpgsql as $$
#variable_conflict use_column
declare
  v_run :SCHEMA.saga_runs;
  v_children smallint[];
begin
  select * into v_run from :SCHEMA.saga_runs where key = p_run;
  update :SCHEMA.saga_runs set phase = 'drain', cause = p_cause, error = p_error, compensate = p_compensate
  where key = p_run;
  delete from :SCHEMA.saga_timers where run = p_run;
  -- In the order in which attempts begin, which lock these rows and not the run's.
  perform from :SCHEMA.saga_steps
  where run = p_run and state in ('queued', 'retrying') order by step, item for no key update;
  with children as (
    update :SCHEMA.saga_steps as s set state = 'queued', job_id = null
    from :SCHEMA.saga_definition_steps as d
    where d.definition = v_run.definition and d.kind = 'child' and s.run = p_run and s.step = d.step and s.item = -1
      and s.state = 'waiting'
    returning s.step
  )
  select array_agg(step) into v_children from children;
  update :SCHEMA.saga_steps as s
  set state = case when d.always then 'pending' else 'cancelled' end, job_id = null
  from :SCHEMA.saga_definition_steps as d
  where d.definition = v_run.definition and s.run = p_run and s.step = d.step
    and case d.kind
      when 'child' then s.state in ('pending', 'queued') and s.attempt = s.base
      when 'each' then s.state in ('queued', 'retrying') or (s.state = 'pending' and s.item = -1)
      when 'step' then s.state in ('pending', 'queued', 'retrying')
      else s.state in ('pending', 'queued', 'retrying', 'waiting') end;
  if exists (select from :SCHEMA.saga_steps where run = p_run and state in ('running', 'queued', 'retrying')) then
    update :SCHEMA.saga_runs set state = 'compensating' where key = p_run;
    return query select 'run', p_run, v_run.id, v_run.definition, null::smallint, null::int, 'compensating',
      v_run.state, null::jsonb, null::float8;
  end if;
  return query select 'job', p_run, v_run.id, v_run.definition, one, -1, 'execute', null::text, v_run.spec, null::float8
  from unnest(v_children) as one;
  return query select * from :SCHEMA.saga_continue(p_run);
end $$;

-- The part of saga_settle for runs that fail, or have: p_state is what their steps became.
create function :SCHEMA.saga_settle_failing(p_run bigint[], p_step smallint[], p_item int[], p_state text[])
returns setof :SCHEMA.saga_move
language plpgsql as $$
#variable_conflict use_column
declare
  v_one record;
  v_items record;
  v_run :SCHEMA.saga_runs;
  v_error json;
  v_compensates boolean;
begin
  for v_one in
    select run,
      (array_agg(step order by step) filter (where state = 'failed'))[1] as failed,
      (array_agg(item order by step) filter (where state = 'failed'))[1] as failed_item,
      bool_or(state = 'compensation_failed') as stuck,
      bool_or(item = -1) as whole
    from unnest(p_run, p_step, p_item, p_state) as one(run, step, item, state)
    group by run order by run
  loop
    select * into v_run from :SCHEMA.saga_runs where key = v_one.run;
    if v_run.phase = 'forward' then
      if v_one.failed is null then continue; end if;
      select json_build_object('step', d.id, 'item', nullif(v_one.failed_item, -1), 'error', s.error) into v_error
      from :SCHEMA.saga_steps as s
      join :SCHEMA.saga_definition_steps as d on d.definition = v_run.definition and d.step = s.step
      where s.run = v_one.run and s.step = v_one.failed and s.item = v_one.failed_item;
      select compensates into v_compensates from :SCHEMA.saga_definitions where id = v_run.definition;
      return query select * from :SCHEMA.saga_fail(v_one.run, 'step', v_error, v_compensates);
      continue;
    end if;
    if v_one.stuck and v_run.phase = 'undo' then
      update :SCHEMA.saga_runs set phase = 'parked', state = 'compensation_failed' where key = v_one.run;
      return query select 'run', v_one.run, v_run.id, v_run.definition, null::smallint, null::int,
        'compensation_failed', v_run.state, null::jsonb, null::float8;
    end if;
    for v_items in
      select step, count(*)::int as count from unnest(p_run, p_step, p_item, p_state) as one(run, step, item, state)
      where run = v_one.run and item >= 0 and state in ('compensated', 'compensation_skipped')
      group by step order by step
    loop
      return query select * from :SCHEMA.saga_undo_items(v_one.run, v_items.step, v_items.count, v_items.count);
    end loop;
    if v_one.whole or v_run.phase = 'drain' then
      return query select * from :SCHEMA.saga_continue(v_one.run);
    end if;
  end loop;
end $$;
