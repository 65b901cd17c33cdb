import { ITEMS } from "./random-shapes.ts";

const S = "oppulence_worker.saga_";
/** A journal's row with its run, its step's definition and its step. */
const OF_JOURNAL = `join ${S}runs as r on r.id = j.run
join ${S}definition_steps as d on d.definition = r.definition and d.id = j.step
join ${S}steps as s on s.run = r.key and s.step = d.step and s.item = j.item`;
const OF_STEP = `join ${S}runs as r on r.key = s.run
join ${S}definition_steps as d on d.definition = r.definition and d.step = s.step`;

/** What the steps wrote down themselves, against what the plugin recorded: no row where it holds. */
export const JOURNAL_PROOF: Readonly<Record<string, string>> = {
  "a transactional step's writes are there otherwise than once": `select r.id, d.id as step, count(w.key) as times
from ${S}steps as s ${OF_STEP} and d.exact
left join written as w on w.run = r.id and w.step = d.id
group by r.id, d.id, s.result::text
having count(w.key) <> case when s.result::text is null then 0 else 1 end`,
  "a step that succeeded has another result than it gave": `select r.id, d.id, s.item, s.result from ${S}steps as s ${OF_STEP}
where s.state = 'succeeded' and case
    when d.kind = 'each' and s.item = -1 then (s.result ->> 'count')::int is distinct from ${ITEMS}
    when d.kind in ('step', 'signal', 'each') then (s.result #>> '{}') is distinct from d.id end`,
  "a step began before what it needs had a result": `select j.run, j.step, need.id as need from journal as j ${OF_JOURNAL} and not d.always
join ${S}definition_steps as need on need.definition = r.definition and need.step = any(d.needs) and need.kind <> 'sleep'
join ${S}steps as ns on ns.run = r.key and ns.step = need.step and ns.item = -1
where j.what = 'began' and ns.result is null and ns.state <> 'skipped'`,
  "a step began more often than it has attempts": `select j.run, j.step, j.item, count(*) from journal as j ${OF_JOURNAL}
where j.what in ('began', 'undoing') group by j.run, j.step, j.item, s.attempt having count(*) > s.attempt`,
  "a step was undone that never began": `select j.run, j.step, j.item from journal as j ${OF_JOURNAL} and not d.exact
where j.what = 'undoing' and not exists (
  select from ${S}attempts as a where a.run = r.key and a.step = j.step and a.item = j.item and a.kind = 'execute'
)`,
  "a step whose every attempt threw was undone": `select j.run, j.step, j.item from journal as j ${OF_JOURNAL}
where j.what = 'undoing' and not exists (
  select from ${S}attempts as a
  where a.run = r.key and a.step = j.step and a.item = j.item and a.kind = 'execute' and a.outcome <> 'failed'
)`,
  "a step that may have run was not undone": `select r.id, d.id as step, s.item, s.state from ${S}steps as s ${OF_STEP}
where r.phase = 'done' and r.state <> 'succeeded' and r.compensate and d.undo and not d.exact
  and (select count(*) from journal as j where j.run = r.id and j.step = d.id and j.item = s.item and j.what = 'began') >
    (select count(*) from ${S}attempts as a
      where a.run = r.key and a.step = d.id and a.item = s.item and a.kind = 'execute' and a.outcome = 'failed')
    + case when not s.undoing and s.outcome = 'failed' then 1 else 0 end
  and not exists (
    select from journal as j where j.run = r.id and j.step = d.id and j.item = s.item and j.what = 'undone'
  )`,
  "a step was undone before one that depends on it": `select j.run, j.step, later.step as later from journal as j ${OF_JOURNAL}
join ${S}definition_steps as ld on ld.definition = r.definition and ld.step = any(d.later)
join journal as later on later.run = j.run and later.step = ld.id and later.what = 'undoing'
where j.what = 'undoing' and later.seq > j.seq`,
  "a step began after compensation had": `select j.run, j.step from journal as j ${OF_JOURNAL} and not d.always
where j.what = 'began' and exists (
  select from journal as u where u.run = j.run and u.what = 'undoing' and u.seq < j.seq
)`,
  "a child was left as it is by a run that was undone": `select c.id, c.state, p.state as parent from ${S}runs as c
join ${S}runs as p on p.key = c.parent_run
where p.phase = 'done' and (c.phase <> 'done' or (p.state <> 'succeeded' and p.compensate and c.state = 'succeeded'))`,
  "two signals ended one wait, or none did": `select r.id, d.id as step, count(g.seq) from ${S}steps as s ${OF_STEP} and d.kind = 'signal'
left join ${S}signals as g on g.run = s.run and g.taken_by = s.step
group by r.id, d.id, s.state having count(g.seq) <> case s.state when 'succeeded' then 1 else 0 end`,
};
