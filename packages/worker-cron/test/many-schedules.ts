/**
 * Schedules of the task `work` that are all due in the same second.
 *
 * @param everyS - how often; 0 is not while anybody waits
 */
export function manySchedules(count: number, everyS = 1) {
  const cron = everyS === 0 ? "0 0 1 1 *" : everyS === 1 ? "* * * * * *" : `*/${everyS} * * * * *`;
  return Array.from({ length: count }, (_, n) => ({ key: `soak-${n}`, cron, task: "work" }));
}
