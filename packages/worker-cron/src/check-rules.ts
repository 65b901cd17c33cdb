import { checkLabels, messageOf, parseDuration } from "@oppulence/worker-core";
import { LABEL_PREFIX } from "./labels.ts";
import type { ResolvedRules } from "./options.ts";
import type { Settings } from "./schedule.ts";
import { Slots } from "./slots.ts";

/** Many slots a day would gather on the day that they are moved to. */
const MOST_MOVED_A_DAY = 24;

/** Turns rules into plain data; only those that are set are there. */
export function settingsOf(rules: ResolvedRules, builds = false): Settings {
  const { catchUp, startAt, endAt, jitter, calendar, labels } = rules;
  const optional = {
    startAt: toMs(startAt),
    endAt: toMs(endAt),
    maxRuns: rules.maxRuns,
    jitterMs: jitter === undefined ? undefined : parseDuration(jitter, "jitter"),
    pauseAfterFailures: rules.pauseAfterFailures,
    calendar,
    queueName: rules.queueName,
    priority: rules.priority,
    maxAttempts: rules.maxAttempts,
    labels,
    description: rules.description,
    builds: builds ? true : undefined,
  };
  const set = Object.entries(optional).filter(([, value]) => value !== undefined);
  return {
    misfire: rules.misfire,
    catchUpWindowMs: parseDuration(catchUp.window, "catchUp.window"),
    catchUpCap: catchUp.cap,
    overlap: rules.overlap,
    ...Object.fromEntries(set),
  };
}

function toMs(instant: Date | string | undefined): number | undefined {
  return instant === undefined ? undefined : new Date(instant).getTime();
}

/** What is wrong with rules whose shape is right, one sentence each. */
export function problemsOfRules(key: string, rules: ResolvedRules): string[] {
  const settings = settingsOf(rules);
  const { startAt, endAt, calendar } = settings;
  const problems: string[] = [];
  if (startAt !== undefined && endAt !== undefined && endAt < startAt)
    problems.push(
      `endAt: got ${print(endAt)}, which is before startAt ${print(startAt)}; it is a later instant`,
    );
  if (rules.overlap === "bufferOne" && rules.queueName !== undefined)
    problems.push(
      'queueName: overlap "bufferOne" has its runs in a queue of its own; leave queueName out',
    );
  problems.push(...problemsOfLabels(rules.labels));
  let slots: Slots | undefined;
  for (const [field, timezone] of [
    ["cron", "UTC"],
    ["timezone", rules.timezone],
  ] as const) {
    try {
      const cron = field === "cron" ? rules.cron : "* * * * *";
      slots = new Slots({ key, cron, timezone, startAt, endAt, calendar });
    } catch (error) {
      problems.push(`${field}: ${messageOf(error)}`);
    }
  }
  if (problems.length > 0) return problems;
  slots = new Slots({ key, cron: rules.cron, timezone: rules.timezone, startAt, endAt, calendar });
  if (calendar?.onExcluded === "next") problems.push(...problemsOfMoving(slots));
  if (
    problems.length === 0 &&
    slots.next(startAt === undefined ? firstLook(endAt) : startAt - 1) === undefined
  )
    problems.push(
      "cron: never fires: no slot lies within startAt and endAt on a day that the calendar allows",
    );
  return problems;
}

/** A schedule that has ended is none that never fires. */
function firstLook(endAt: number | undefined): number {
  return endAt === undefined ? Date.now() : Math.min(Date.now(), endAt - 366 * 86_400_000);
}

function problemsOfLabels(labels: ResolvedRules["labels"]): string[] {
  if (labels === undefined) return [];
  const wrong = checkLabels(labels);
  const own = Object.keys(labels).filter((name) => name.startsWith(LABEL_PREFIX));
  return [
    ...(wrong === undefined ? [] : [`labels: ${wrong}`]),
    ...own.map((name) => `labels: ${name} is set by the schedule itself; choose another name`),
  ];
}

function problemsOfMoving({ expression: { fields } }: Slots): string[] {
  const { hours, minutes, seconds } = fields;
  const count = hours.length * minutes.length * seconds.length;
  if (count <= MOST_MOVED_A_DAY) return [];
  return [
    `calendar.onExcluded: got "next" with ${count} slots a day, of which at most ${MOST_MOVED_A_DAY} can be moved to another; write "skip"`,
  ];
}

function print(instant: number): string {
  return new Date(instant).toISOString();
}
