const S = "oppulence_worker.saga_";
const OF = `join ${S}runs as r on r.key = s.run
join ${S}definition_steps as d on d.definition = r.definition and d.step = s.step`;

/**
 * Statements that prove what no sequence of failures and kills may break: each returns no row where it holds.
 */
export const RUN_PROOF: Readonly<Record<string, string>> = {
  "a run that is over has a step under way": `select r.id, s.step, s.item, s.state from ${S}steps as s ${OF}
where r.phase = 'done' and s.state in ('queued', 'running', 'retrying', 'waiting', 'undo_pending', 'undo_queued',
  'undo_running', 'undo_retrying', 'undo_waiting', 'compensation_failed')`,
  "a run failed without a cause": `select id, state from ${S}runs
where cause is null and state not in ('pending', 'running', 'succeeded')`,
  "a run that succeeded has a step that did not": `select r.id, s.step, s.item, s.state from ${S}steps as s ${OF}
where r.state = 'succeeded' and s.state not in ('succeeded', 'skipped')`,
  "a step began before what it needs was over": `select r.id, d.id as step, need.step as need from ${S}steps as s ${OF}
join ${S}steps as need on need.run = s.run and need.step = any(d.needs) and need.item = -1
where s.item = -1 and s.started_at is not null and not d.always and r.phase in ('forward', 'done') and r.state in ('running', 'succeeded')
  and (need.finished_at is null or need.finished_at > s.started_at)`,
  "a step that may have run was left as it is": `select r.id, d.id as step, s.item, s.state from ${S}steps as s ${OF}
where r.phase = 'done' and r.state <> 'succeeded' and r.compensate and d.undo and not d.always
  and (d.kind <> 'each' or s.item >= 0)
  and (s.state = 'succeeded' or (s.unknown and s.state in ('failed', 'cancelled')))`,
  "a step was undone before what depends on it": `select r.id, d.id as step, later.step as later from ${S}steps as s ${OF}
join ${S}steps as later on later.run = s.run and later.step = any(d.later) and later.item = -1 and later.undoing
where s.item = -1 and s.undoing and s.started_at < later.started_at and later.state in ('compensated', 'compensation_failed')
  and later.finished_at > s.started_at`,
  "a fan-out was joined early": `select r.id, s.step, i.item, i.state from ${S}steps as s ${OF}
join ${S}steps as i on i.run = s.run and i.step = s.step and i.item >= 0
where s.item = -1 and d.kind = 'each' and s.state = 'succeeded' and i.state not in ('succeeded', 'skipped')`,
  "a step waits for a job without one": `select s.* from ${S}steps as s
where s.state in ('queued', 'retrying', 'undo_queued', 'undo_retrying') and s.job_id is null`,
  "two steps have one job": `select job_id from ${S}steps where job_id is not null group by job_id having count(*) > 1`,
  "a signal was taken by nobody": `select g.* from ${S}signals as g
left join ${S}steps as s on s.run = g.run and s.step = g.taken_by and s.item = -1
where g.taken_by is not null and s.state is null`,
  "a timer of a run that is over": `select t.* from ${S}timers as t join ${S}runs as r on r.key = t.run
where r.phase = 'done'`,
};
