-- Tells the parent's step that its child is over: it gets a job again.
create function :SCHEMA.saga_tell_parent(p_run bigint) returns setof :SCHEMA.saga_move
language sql as $$
  with told as (
    update :SCHEMA.saga_steps as s
    set state = case s.state when 'waiting' then 'queued' else 'undo_queued' end
    from :SCHEMA.saga_runs as c
    where c.key = p_run and s.run = c.parent_run and s.step = c.parent_step and s.item = -1
      and s.state in ('waiting', 'undo_waiting')
    returning s.run, s.step, s.state
  )
  select 'job', r.key, r.id, r.definition, t.step, -1, case t.state when 'queued' then 'execute' else 'undo' end,
    null::text, r.spec, null::float8
  from told as t join :SCHEMA.saga_runs as r on r.key = t.run
$$;

-- Goes on after steps that were done: queues what waited for them, and ends runs that have nothing left.
create function :SCHEMA.saga_forward(p_run bigint[], p_step smallint[]) returns setof :SCHEMA.saga_move
language plpgsql as $$
#variable_conflict use_column
declare
  v_run bigint[];
  v_parent bigint[];
  v_one bigint;
begin
  return query
  with ready as (
    select done.run, dn.step
    from unnest(p_run, p_step) as done(run, step)
    join :SCHEMA.saga_runs as r on r.key = done.run and r.phase = 'forward'
    join :SCHEMA.saga_definition_steps as d on d.definition = r.definition and d.step = done.step
    join :SCHEMA.saga_definition_steps as dn on dn.definition = r.definition and dn.step = any(d.next)
    where cardinality(dn.needs) = 1 or not exists (
      select from :SCHEMA.saga_steps as p
      where p.run = done.run and p.step = any(dn.needs) and p.item = -1
        and p.state not in ('succeeded', 'skipped')
    )
  ), queued as (
    update :SCHEMA.saga_steps as s set state = 'queued'
    from ready
    where s.run = ready.run and s.step = ready.step and s.item = -1 and s.state = 'pending'
    returning s.run, s.step
  )
  select 'job', r.key, r.id, r.definition, q.step, -1, 'execute', null::text, r.spec, null::float8
  from queued as q join :SCHEMA.saga_runs as r on r.key = q.run;

  with over as (
    update :SCHEMA.saga_runs as r set state = 'succeeded', phase = 'done', finished_at = clock_timestamp()
    where r.phase = 'forward' and r.key = any(array(
        select done.run
        from unnest(p_run, p_step) as done(run, step)
        join :SCHEMA.saga_runs as one on one.key = done.run
        join :SCHEMA.saga_definition_steps as d on d.definition = one.definition and d.step = done.step
        where d.next = '{}'
      ))
      and not exists (
        select from :SCHEMA.saga_definition_steps as d
        join :SCHEMA.saga_steps as s on s.run = r.key and s.step = d.step and s.item = -1
        where d.definition = r.definition and d.next = '{}' and s.state not in ('succeeded', 'skipped')
      )
    returning r.key, r.parent_run, r.deadline_at
  ), untimed as (
    delete from :SCHEMA.saga_timers as t using over
    where t.run = over.key and over.deadline_at is not null
  )
  select array_agg(key), array_agg(key) filter (where parent_run is not null) into v_run, v_parent from over;
  if v_run is null then return; end if;
  return query
  select 'run', r.key, r.id, r.definition, null::smallint, null::int, r.state, 'running', null::jsonb,
    extract(epoch from r.finished_at - r.created_at)::float8
  from :SCHEMA.saga_runs as r where r.key = any(v_run);
  if v_parent is null then return; end if;
  foreach v_one in array v_parent loop
    return query select * from :SCHEMA.saga_tell_parent(v_one);
  end loop;
end $$;

-- A step that waits: for a time, a signal, a child, or its items. What is there already ends the wait at once.
create function :SCHEMA.saga_wait(p_run bigint, p_step smallint, p_value json) returns setof :SCHEMA.saga_move
language plpgsql as $$
#variable_conflict use_column
declare
  v_run :SCHEMA.saga_runs;
  v_step :SCHEMA.saga_definition_steps;
  v_state text;
  v_payload json;
  v_found boolean;
begin
  select * into v_run from :SCHEMA.saga_runs where key = p_run;
  select * into v_step from :SCHEMA.saga_definition_steps where definition = v_run.definition and step = p_step;
  select state into v_state from :SCHEMA.saga_steps where run = p_run and step = p_step and item = -1;
  if v_step.kind = 'child' then
    if exists (select from :SCHEMA.saga_runs where parent_run = p_run and parent_step = p_step and finished_at is null)
      then return; end if;
    update :SCHEMA.saga_steps set state = case v_state when 'waiting' then 'queued' else 'undo_queued' end
    where run = p_run and step = p_step and item = -1;
    return query select 'job', p_run, v_run.id, v_run.definition, p_step, -1,
      case v_state when 'waiting' then 'execute' else 'undo' end, null::text, v_run.spec, null::float8;
    return;
  end if;
  if v_run.phase <> 'forward' then
    update :SCHEMA.saga_steps set state = 'cancelled' where run = p_run and step = p_step and item = -1;
    return;
  end if;
  if v_step.kind = 'each' then
    update :SCHEMA.saga_steps
    set total = (p_value ->> 'total')::int, open_items = (p_value ->> 'total')::int,
      next_item = least((p_value ->> 'total')::int, v_step.width)
    where run = p_run and step = p_step and item = -1;
    return query
    with queued as (
      update :SCHEMA.saga_steps as s set state = 'queued'
      where s.run = p_run and s.step = p_step and s.item >= 0 and s.item < v_step.width returning s.item
    )
    select 'job', p_run, v_run.id, v_run.definition, p_step, item, 'execute', null::text, v_run.spec, null::float8
    from queued order by item;
    return;
  end if;
  if v_step.kind = 'signal' then
    update :SCHEMA.saga_signals set taken_by = p_step, taken_at = clock_timestamp()
    where run = p_run and seq = (
      select seq from :SCHEMA.saga_signals
      where run = p_run and name = v_step.signal and taken_by is null order by seq limit 1
    )
    returning payload, true into v_payload, v_found;
    if v_found then
      update :SCHEMA.saga_steps set state = 'succeeded', outcome = 'succeeded', result = v_payload,
        finished_at = clock_timestamp()
      where run = p_run and step = p_step and item = -1;
      return query select 'step', p_run, v_run.id, v_run.definition, p_step, -1, 'succeeded', 'waiting', null::jsonb, null::float8;
      return query select * from :SCHEMA.saga_forward(array[p_run], array[p_step]);
      return;
    end if;
  end if;
  if p_value ->> 'ms' is null then return; end if;
  insert into :SCHEMA.saga_timers (run, step, due_at)
  values (p_run, p_step, now() + (p_value ->> 'ms')::float8 * interval '1 millisecond')
  on conflict (run, step) do update set due_at = excluded.due_at;
  return query select 'timer', p_run, v_run.id, v_run.definition, p_step, -1, null::text, null::text, null::jsonb,
    (p_value ->> 'ms')::float8 / 1000;
end $$;

-- Items of a fan-out were done: as many others are queued, or the fan-out is done, once.
create function :SCHEMA.saga_items_done(p_run bigint, p_step smallint, p_count int) returns setof :SCHEMA.saga_move
language plpgsql as $$
#variable_conflict use_column
declare
  v_from int;
  v_to int;
  v_open int;
  v_run :SCHEMA.saga_runs;
begin
  select * into v_run from :SCHEMA.saga_runs where key = p_run;
  if v_run.phase <> 'forward' then return; end if;
  select next_item into v_from from :SCHEMA.saga_steps where run = p_run and step = p_step and item = -1;
  update :SCHEMA.saga_steps
  set next_item = least(total, next_item + p_count), open_items = open_items - p_count
  where run = p_run and step = p_step and item = -1 and state = 'waiting'
  returning next_item, open_items into v_to, v_open;
  if v_open is null then return; end if;
  if v_open > 0 then
    return query
    with queued as (
      update :SCHEMA.saga_steps as s set state = 'queued'
      where s.run = p_run and s.step = p_step and s.item >= v_from and s.item < v_to and s.state = 'pending'
      returning s.item
    )
    select 'job', p_run, v_run.id, v_run.definition, p_step, item, 'execute', null::text, v_run.spec, null::float8
    from queued order by item;
    return;
  end if;
  update :SCHEMA.saga_steps
  set state = 'succeeded', outcome = 'succeeded', result = json_build_object('count', total),
    finished_at = clock_timestamp()
  where run = p_run and step = p_step and item = -1;
  return query select 'step', p_run, v_run.id, v_run.definition, p_step, -1, 'succeeded', 'waiting', null::jsonb, null::float8;
  return query select * from :SCHEMA.saga_forward(array[p_run], array[p_step]);
end $$;
