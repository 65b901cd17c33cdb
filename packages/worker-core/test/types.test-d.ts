import { expectTypeOf } from "vitest";
import { z } from "zod";
import {
  type AnyPlugin,
  type ApisOf,
  type ContextsOf,
  createClient,
  createWorker,
  declareTask,
  defineConfig,
  definePlugin,
  defineTask,
  type EnqueueResult,
  type InputOf,
  type JobOptions,
  type Labels,
  type OutputOf,
  type PayloadInputOf,
  type PayloadOf,
  type Query,
  type ResultOf,
  type RunInput,
  type Transaction,
  taskBuilder,
  toQuery,
  type Worker,
  workerPreset,
} from "../src/index.ts";

// One schema whose input and output differ: a producer passes a string, the task gets a Date.
const email = z.object({ to: z.string(), at: z.iso.datetime().transform((at) => new Date(at)) });

const sendEmail = defineTask({
  identifier: "send_email",
  payload: email,
  run: async (payload, context) => {
    expectTypeOf(payload).toEqualTypeOf<{ to: string; at: Date }>();
    expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
    expectTypeOf(context.labels).toEqualTypeOf<Labels>();
    expectTypeOf(context.query).toEqualTypeOf<Query>();
    return payload.to.length;
  },
});
const ping = defineTask({
  identifier: "ping",
  run: (payload) => expectTypeOf(payload).toEqualTypeOf<unknown>(),
});
const resize = declareTask({ identifier: "resize", payload: z.object({ width: z.number() }) });

// Tasks carry their types.
expectTypeOf(sendEmail.identifier).toEqualTypeOf<"send_email">();
expectTypeOf<PayloadInputOf<typeof sendEmail>>().toEqualTypeOf<{ to: string; at: string }>();
expectTypeOf<PayloadOf<typeof sendEmail>>().toEqualTypeOf<{ to: string; at: Date }>();
expectTypeOf<ResultOf<typeof sendEmail>>().toEqualTypeOf<number>();
expectTypeOf<PayloadInputOf<typeof ping>>().toEqualTypeOf<unknown>();
expectTypeOf<PayloadInputOf<typeof resize>>().toEqualTypeOf<{ width: number }>();
expectTypeOf<InputOf<typeof email>>().toEqualTypeOf<{ to: string; at: string }>();
expectTypeOf<OutputOf<undefined>>().toEqualTypeOf<unknown>();

// @ts-expect-error a task needs an identifier
defineTask({ run: () => {} });
// @ts-expect-error an option that no imported plugin has
defineTask({ identifier: "a", nosuch: 1, run: () => {} });
// @ts-expect-error runAt is for one job, not for a task's defaults
defineTask({ identifier: "a", spec: { runAt: new Date() }, run: () => {} });
// @ts-expect-error a task that is only declared has no run
declareTask({ identifier: "a", run: () => {} });

// Task options come by declaration merging.
declare module "../src/contract/task.ts" {
  interface TaskOptions {
    typesTestOption?: { size: number };
  }
}
const sized = defineTask({ identifier: "sized", typesTestOption: { size: 1 }, run: () => {} });
expectTypeOf(sized.options.typesTestOption).toEqualTypeOf<{ size: number } | undefined>();
// @ts-expect-error size is a number
defineTask({ identifier: "sized", typesTestOption: { size: "1" }, run: () => {} });

// Plugins: name, options, API and context are inferred.
const limiter = definePlugin({
  name: "limiter",
  options: {},
  optionsSchema: z.strictObject({ max: z.number().default(5) }),
  producers: "enforced-at-run",
  contextType: {} as { token: string },
  setup: ({ options, query, addJob }) => {
    expectTypeOf(options).toEqualTypeOf<{ max: number }>();
    expectTypeOf(query).toEqualTypeOf<Query>();
    expectTypeOf(addJob).toBeFunction();
    return {
      api: { tokens: (key: string) => key.length },
      beforeRun: {
        phase: "admit",
        onError: "closed",
        run: (input) => {
          expectTypeOf(input).toEqualTypeOf<RunInput>();
          return undefined;
        },
      },
    };
  },
});
const bare = definePlugin({ name: "bare", producers: "not-covered", setup: () => ({}) });
expectTypeOf(limiter.name).toEqualTypeOf<"limiter">();
expectTypeOf(limiter).toExtend<AnyPlugin>();

definePlugin({
  name: "wrong",
  producers: "enforced-at-run",
  setup: () => ({
    // @ts-expect-error a phase of the other hook
    beforeRun: { phase: "shape", onError: "open", run: () => undefined },
  }),
});
definePlugin({
  name: "wrong",
  producers: "enforced-at-run",
  setup: () => ({
    // @ts-expect-error a hook that decides says what its failure means
    beforeRun: { phase: "gate", run: () => undefined },
  }),
});

// worker.plugins, from the tuple.
const plugins = [limiter, bare] as const;
expectTypeOf<ApisOf<typeof plugins>>().toEqualTypeOf<{
  readonly limiter: { tokens: (key: string) => number };
  readonly bare: undefined;
}>();
const worker = createWorker({ tasks: [sendEmail, ping], plugins: [limiter, bare] });
expectTypeOf(worker.plugins.limiter.tokens("a")).toEqualTypeOf<number>();
// @ts-expect-error not among the plugins
worker.plugins.nosuch;
expectTypeOf(
  createClient({ plugins: [limiter] }).plugins.limiter.tokens("a"),
).toEqualTypeOf<number>();
// @ts-expect-error a worker without plugins
createWorker({}).plugins.limiter;
expectTypeOf(worker).toExtend<Worker>();

// A config keeps the tuple, also when it is spread into createWorker.
const config = defineConfig({ tasks: [sendEmail], plugins: [limiter, bare] });
expectTypeOf(createWorker(config).plugins.limiter.tokens("a")).toEqualTypeOf<number>();
expectTypeOf(
  createWorker({ ...config, connectionString: "" }).plugins.limiter.tokens("a"),
).toEqualTypeOf<number>();
expectTypeOf(workerPreset({ tasks: [ping], plugins: [] })).toEqualTypeOf<GraphileConfig.Preset>();

// @ts-expect-error misspelt
createWorker({ task: [sendEmail] });

// context.plugins, from the tuple.
expectTypeOf<ContextsOf<typeof plugins>["limiter"]>().toEqualTypeOf<
  { token: string } | undefined
>();
const define = taskBuilder(plugins);
define({
  identifier: "built",
  payload: z.object({ a: z.number() }),
  run: (payload, context) => {
    expectTypeOf(payload).toEqualTypeOf<{ a: number }>();
    expectTypeOf(context.plugins.limiter).toEqualTypeOf<{ token: string } | undefined>();
    // @ts-expect-error not among the plugins
    context.plugins.nosuch;
  },
});

// addJob: the payload is the schema's input.
const at = "2026-01-01T00:00:00Z";
expectTypeOf(worker.addJob(sendEmail, { to: "a", at })).resolves.toEqualTypeOf<EnqueueResult>();
void worker.addJob("send_email", { anything: true });
void worker.addJob(resize, { width: 1 }, { priority: 5, labels: { tenant: "acme" } });
// @ts-expect-error the schema's input, not its output
void worker.addJob(sendEmail, { to: "a", at: new Date() });
// @ts-expect-error a payload is needed
void worker.addJob(sendEmail);
// But not where the task has no schema.
void worker.addJob(ping);
void worker.addJob("any");
void worker.addJobs([{ task: ping }, { task: sendEmail, payload: { to: "a", at } }]);
// @ts-expect-error a payload is needed
void worker.addJobs([{ task: ping }, { task: sendEmail }]);
// @ts-expect-error misspelt
void worker.addJob(ping, {}, { priorty: 5 });
// @ts-expect-error a label's value is a string
void worker.addJob(ping, {}, { labels: { n: 1 } });

// addJobs: each job by its own task.
void worker.addJobs([
  { task: sendEmail, payload: { to: "a", at } },
  { task: resize, payload: { width: 1 }, queueName: "images" },
  { task: "any", payload: [1, 2] },
]);
void worker.addJobs([1, 2, 3].map((width) => ({ task: resize, payload: { width } })));
void worker.addJobs([
  { task: sendEmail, payload: { to: "a", at } },
  // @ts-expect-error the payload of another task
  { task: resize, payload: { to: "a", at } },
]);

// Results narrow.
const result = await worker.addJob(ping, {});
if (result.status === "added") expectTypeOf(result.id).toEqualTypeOf<string>();
else expectTypeOf(result.existing).toEqualTypeOf<string | undefined>();

// Transactions: a pg client, a query function, and what `transaction` lends.
declare const client: import("pg").PoolClient;
declare const pool: import("pg").Pool;
expectTypeOf(client).toExtend<Transaction>();
expectTypeOf(pool).toExtend<Transaction>();
expectTypeOf<Query>().toExtend<Transaction>();
expectTypeOf(toQuery(client)).toEqualTypeOf<Query>();
void worker.transaction(async (query) => {
  await query<{ id: number }>("select 1 as id").then(
    ([row]) => row?.id satisfies number | undefined,
  );
  return worker.addJob(ping, {}, { client: query });
});

// Rows may be of an interface, which has no index signature.
interface User {
  readonly name: string;
}
expectTypeOf(worker.query<User>("select name from users")).resolves.toEqualTypeOf<User[]>();

// Events.
worker.events.on("job:exhausted", ({ job, error, taken }) => {
  expectTypeOf(job.id).toEqualTypeOf<string>();
  expectTypeOf(error).toEqualTypeOf<unknown>();
  expectTypeOf(taken).toEqualTypeOf<boolean>();
});
// @ts-expect-error no such event
worker.events.on("job:nosuch", () => {});

expectTypeOf<JobOptions["runAt"]>().toEqualTypeOf<Date | undefined>();
