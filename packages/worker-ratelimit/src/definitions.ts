import type { TaskInfo } from "@oppulence/worker-core";
import { messageOf, validateOptions } from "@oppulence/worker-core";
import { InvalidLimitsError, isInvalidLimitsError } from "./errors.ts";
import type { Limits } from "./limits.ts";
import {
  type LimiterDefinition,
  limitsSchema,
  type RateLimitedJob,
  type TaskLimiter,
} from "./options.ts";

/** A limiter under its name, and where it is defined. */
export interface NamedDefinition {
  readonly name: string;
  readonly definition: LimiterDefinition;
  /** For messages: `limiters.stripe`, `task send_email`. */
  readonly where: string;
}

/** How many different limits are remembered; beyond it they are read anew. */
const MAX_REMEMBERED = 1_000;
/** What `limits` functions said and was right, by content: they may make a new object every time. */
const remembered = new Map<string, Limits>();

/** What a task's option lists, in its order. */
export function taskLimiters({ options }: TaskInfo): readonly TaskLimiter[] {
  const option = (options as { readonly rateLimit?: RateLimitedJob }).rateLimit;
  if (option === undefined) return [];
  return isList(option) ? option : [option];
}

/**
 * Names of a task's limiters, in its order. A limiter of the task's own has the task's name; further ones have
 * their number behind it: `send_email`, `send_email/2`.
 */
export function limiterNames(task: TaskInfo): string[] {
  let own = 0;
  return taskLimiters(task).map((each) => {
    if (typeof each === "string") return each;
    own += 1;
    return ownName(task, own);
  });
}

/** Limiters that tasks define for themselves. */
export function ownDefinitions(tasks: Iterable<TaskInfo>): NamedDefinition[] {
  return [...tasks].flatMap((task) => {
    const names = limiterNames(task);
    return taskLimiters(task).flatMap((definition, at) =>
      typeof definition === "string"
        ? []
        : [{ name: names[at] as string, definition, where: `task ${task.identifier}` }],
    );
  });
}

/**
 * Limits of a key as the definition has them, without what was set at run time.
 *
 * @returns the same object for the same limits
 * @throws InvalidLimitsError when the definition's `limits` function throws, or says what are none
 */
export function definedLimits(limiter: string, definition: LimiterDefinition, key: string): Limits {
  if (definition.limits === undefined) return definition;
  try {
    return readLimits(definition.limits(key));
  } catch (error) {
    if (isInvalidLimitsError(error)) throw error;
    const problem = `no limits for key ${JSON.stringify(key)}: ${messageOf(error)}`;
    throw new InvalidLimitsError(limiter, problem, { cause: error });
  }
}

function readLimits(answer: unknown): Limits {
  // Its rejection would have no one to handle it, which ends the process.
  if (answer instanceof Promise) answer.catch(() => {});
  const content = JSON.stringify(answer) as string | undefined;
  const before = content === undefined ? undefined : remembered.get(content);
  if (before !== undefined) return before;
  const limits = Object.freeze(validateOptions(limitsSchema, answer, "limits(key)"));
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  if (content !== undefined) remembered.set(content, limits);
  return limits;
}

function ownName({ identifier }: TaskInfo, number: number): string {
  // What follows a # in a bucket's name is the rule's.
  const name = identifier.replaceAll("#", "%23");
  return number === 1 ? name : `${name}/${number}`;
}

function isList(option: RateLimitedJob): option is readonly TaskLimiter[] {
  return Array.isArray(option);
}
