import { BRAND } from "./contract/brand.ts";
import type { AnyPlugin, ContextsOf } from "./contract/plugin.ts";
import type { Schema, Task, TaskDefinition, TaskOptions } from "./contract/task.ts";

/**
 * Defines a task: its identifier, its payload's schema, its plugins' options and what it does.
 *
 * @example
 * const sendEmail = defineTask({
 *   identifier: "send_email",
 *   payload: z.object({ to: z.email() }),
 *   run: async ({ to }, { logger }) => logger.info(`to ${to}`),
 * });
 */
export function defineTask<
  const TIdentifier extends string,
  TSchema extends Schema<any, any> | undefined = undefined,
  TResult = unknown,
>(definition: TaskDefinition<TIdentifier, TSchema, TResult>): Task<TIdentifier, TSchema, TResult> {
  const { identifier, payload, spec, run, ...options } = definition;
  return Object.freeze({
    [BRAND]: "task" as const,
    identifier,
    payload: payload as TSchema,
    spec,
    options: Object.freeze(options) as TaskOptions,
    run,
  });
}

/**
 * Declares a task that another program runs, so that this one can add jobs for it with types and checks.
 */
export function declareTask<
  const TIdentifier extends string,
  TSchema extends Schema<any, any> | undefined = undefined,
>(
  definition: Omit<TaskDefinition<TIdentifier, TSchema, unknown>, "run">,
): Task<TIdentifier, TSchema, unknown> {
  const { identifier, payload, spec, ...options } = definition;
  return Object.freeze({
    [BRAND]: "task" as const,
    identifier,
    payload: payload as TSchema,
    spec,
    options: Object.freeze(options) as TaskOptions,
    run: undefined,
  });
}

/** A `defineTask` whose `context.plugins` is typed by the tuple of plugins. */
export type DefineTaskWith<P extends readonly AnyPlugin[]> = <
  const TIdentifier extends string,
  TSchema extends Schema<any, any> | undefined = undefined,
  TResult = unknown,
>(
  definition: TaskDefinition<TIdentifier, TSchema, TResult, ContextsOf<P>>,
) => Task<TIdentifier, TSchema, TResult>;

/**
 * Binds `defineTask` to plugins, so that what they grant a run (`context.plugins`) is typed.
 *
 * @example
 * const defineTask = taskBuilder(plugins);
 */
export function taskBuilder<const P extends readonly AnyPlugin[]>(_plugins: P): DefineTaskWith<P> {
  return defineTask as DefineTaskWith<P>;
}
