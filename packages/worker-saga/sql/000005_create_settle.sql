-- Records outcomes and goes on from there. Of claimed jobs only those count that are among p_taken (null: all), whose
-- attempt is the step's last one (-1: whichever), and whose step is not over. Outcomes: succeeded, skipped, waiting,
-- retry (its job stays), failed, timed_out, lost, cancelled. Moves "step" tell what was recorded.
create function :SCHEMA.saga_settle(p_taken bigint[], p_job bigint[], p_run bigint[], p_step smallint[], p_item int[],
  p_attempt int[], p_outcome text[], p_value text[], p_unknown boolean[])
returns setof :SCHEMA.saga_move
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off
set join_collapse_limit = 1
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_move :SCHEMA.saga_move;
  v_one record;
  v_run bigint[] := '{}';
  v_step smallint[] := '{}';
  v_item int[] := '{}';
  v_state text[] := '{}';
  v_items_run bigint[] := '{}';
  v_items_step smallint[] := '{}';
  v_wait_run bigint[] := '{}';
  v_wait_step smallint[] := '{}';
  v_wait_value text[] := '{}';
  v_parents bigint[] := '{}';
begin
  perform :SCHEMA.saga_lock(p_run);
  -- The usual way in one statement: what it reads is as the lock has it, but for what it has itself just settled.
  for v_one in
    with settled as (
      update :SCHEMA.saga_steps as s
      set state = case
          when s.state like 'undo%' then case i.outcome
            when 'succeeded' then 'compensated' when 'skipped' then 'compensation_skipped'
            when 'waiting' then 'undo_waiting' when 'retry' then 'undo_retrying' else 'compensation_failed' end
          when i.outcome in ('succeeded', 'skipped', 'waiting', 'cancelled') then i.outcome
          when i.outcome = 'retry' then case when r.phase in ('forward', 'tail') then 'retrying' else 'cancelled' end
          when i.outcome = 'lost' and r.phase = 'drain' then 'cancelled'
          else 'failed' end,
        outcome = case i.outcome when 'retry' then case when i.unknown then 'timed_out' else 'failed' end else i.outcome end,
        result = case when i.outcome = 'succeeded' and s.state not like 'undo%' then i.value::json else s.result end,
        error = case when i.outcome in ('succeeded', 'skipped', 'waiting', 'cancelled') then null else i.value::json end,
        unknown = s.unknown or (s.state not like 'undo%' and i.unknown),
        job_id = case when i.outcome = 'retry' and (s.state like 'undo%' or r.phase in ('forward', 'tail'))
          then s.job_id end,
        finished_at = clock_timestamp()
      from unnest(p_job, p_run, p_step, p_item, p_attempt, p_outcome, p_value, p_unknown)
          as i(job, run, step, item, attempt, outcome, value, unknown)
        -- Steps are found by their whole key, items included: + 0 leaves no shorter way to them.
        join :SCHEMA.saga_runs as r on r.key = i.run + 0
        cross join lateral (
          select next from :SCHEMA.saga_definition_steps where definition = r.definition and step = i.step limit 1
        ) as d
      where s.run = i.run and s.step = i.step and s.item = i.item and s.job_id is not distinct from i.job
        and (p_taken is null or i.job = any(p_taken)) and (i.attempt < 0 or s.attempt = i.attempt)
        and s.state in ('queued', 'running', 'retrying', 'undo_queued', 'undo_running', 'undo_retrying')
      returning s.run, s.step, s.item, s.state, i.value, r.id, r.definition, r.phase, r.spec, d.next,
        case when s.started_at is null then 'queued' when s.undoing then 'undo_running' else 'running' end as was
    ), judged as (
      select *, bool_or(state = 'failed') over (partition by run) as fails from settled
    ), done as (
      select * from judged where item = -1 and phase = 'forward' and state in ('succeeded', 'skipped') and not fails
    ), ready as (
      select distinct on (done.run, dn.step) done.run, dn.step, done.id, done.definition, done.spec
      from done
      join :SCHEMA.saga_definition_steps as dn on dn.definition = done.definition and dn.step = any(done.next)
      where cardinality(dn.needs) = 1 or not exists (
        select from :SCHEMA.saga_steps as p
        where p.run = done.run and p.step = any(dn.needs) and p.item = -1 and p.state not in ('succeeded', 'skipped')
          and not exists (select from done as other where other.run = p.run and other.step = p.step)
      )
    ), queued as (
      update :SCHEMA.saga_steps as s set state = 'queued'
      from ready
      where s.run = ready.run and s.step = ready.step and s.item = -1 and s.state = 'pending'
      returning s.run, ready.id, ready.definition, s.step, ready.spec
    ), over as (
      update :SCHEMA.saga_runs as r set state = 'succeeded', phase = 'done', finished_at = clock_timestamp()
      where r.key = any(array(select run from done where next = '{}'))
        and not exists (
          select from :SCHEMA.saga_definition_steps as d
          join :SCHEMA.saga_steps as s on s.run = r.key and s.step = d.step and s.item = -1
          where d.definition = r.definition and d.next = '{}' and s.state not in ('succeeded', 'skipped')
            and not exists (select from done as other where other.run = s.run and other.step = s.step)
        )
      returning r.key, r.id, r.definition, r.parent_run, r.deadline_at,
        extract(epoch from r.finished_at - r.created_at)::float8 as seconds
    ), untimed as (
      delete from :SCHEMA.saga_timers as t using over where t.run = over.key and over.deadline_at is not null
    )
    select 'step' as what, run, id, definition, step, item, state, was, null::jsonb as spec, null::float8 as seconds,
      value, phase, fails, null::bigint as parent
    from judged
    union all
    select 'job', run, id, definition, step, -1, 'execute', null, spec, null, null, 'forward', false, null from queued
    union all
    select 'run', key, id, definition, null, null, 'succeeded', 'running', null, seconds, null, 'done', false, parent_run
    from over
  loop
    v_move := row(v_one.what, v_one.run, v_one.id, v_one.definition, v_one.step, v_one.item, v_one.state, v_one.was,
      v_one.spec, v_one.seconds);
    return next v_move;
    if v_one.what = 'run' then
      if v_one.parent is not null then v_parents := v_parents || v_one.run; end if;
    elsif v_one.what = 'step' then
      if v_one.state in ('waiting', 'undo_waiting') then
        v_wait_run := v_wait_run || v_one.run;
        v_wait_step := v_wait_step || v_one.step;
        v_wait_value := v_wait_value || v_one.value;
      elsif v_one.phase <> 'forward' or v_one.state = 'failed' then
        v_run := v_run || v_one.run;
        v_step := v_step || v_one.step;
        v_item := v_item || v_one.item;
        v_state := v_state || v_one.state;
      elsif v_one.item >= 0 and v_one.state in ('succeeded', 'skipped') and not v_one.fails then
        v_items_run := v_items_run || v_one.run;
        v_items_step := v_items_step || v_one.step;
      end if;
    end if;
  end loop;

  if v_run <> '{}' then
    return query select * from :SCHEMA.saga_settle_failing(v_run, v_step, v_item, v_state);
  end if;
  if v_items_run <> '{}' then
    for v_one in
      select run, step, count(*)::int as count from unnest(v_items_run, v_items_step) as one(run, step)
      group by run, step order by run, step
    loop
      return query select * from :SCHEMA.saga_items_done(v_one.run, v_one.step, v_one.count);
    end loop;
  end if;
  if v_wait_run <> '{}' then
    for v_one in
      select run, step, value from unnest(v_wait_run, v_wait_step, v_wait_value) as one(run, step, value)
      order by run, step
    loop
      return query select * from :SCHEMA.saga_wait(v_one.run, v_one.step, v_one.value::json);
    end loop;
  end if;
  if v_parents <> '{}' then
    for v_one in select unnest(v_parents) as run loop
      return query select * from :SCHEMA.saga_tell_parent(v_one.run);
    end loop;
  end if;
end $$;
