/**
 * Statements that prove, after a soak of schedules by the second, that every slot was fired exactly once: each
 * returns no row where that holds.
 */
export const SLOT_PROOF: Readonly<Record<string, string>> = {
  "a slot without a row": `select job_key, count(*) as slots,
  extract(epoch from max(scheduled_at) - min(scheduled_at)) + 1 as expected
from oppulence_worker.scheduled_job_events group by job_key
having count(*) <> extract(epoch from max(scheduled_at) - min(scheduled_at)) + 1`,
  "a slot that did not fire": `select job_key, scheduled_at, status, error
from oppulence_worker.scheduled_job_events where status in ('missed', 'skipped') or job_id is null`,
  "two slots with one job": `select job_id from oppulence_worker.scheduled_job_events
group by job_id having count(*) > 1`,
  "a job without a slot": `select jobs.id from graphile_worker.jobs as jobs
where exists (select from jsonb_object_keys(jobs.flags) as flag where flag like 'cron.key=%')
  and not exists (select from oppulence_worker.scheduled_job_events as events where events.job_id = jobs.id)`,
  "a schedule that stands still": `select key, next_slot from oppulence_worker.cron_schedules
where next_slot < now() - interval '10 seconds' and enabled and paused_at is null`,
};
