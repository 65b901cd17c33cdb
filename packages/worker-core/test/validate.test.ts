import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import * as mini from "zod/mini";
import {
  assertKnownKeys,
  formatIssues,
  InvalidOptionsError,
  isInvalidOptionsError,
  validateOptions,
  validatePayload,
} from "../src/validate.ts";

const schedule = z.strictObject({ cron: z.string(), timeZone: z.string().default("UTC") });
const options = z.strictObject({
  interval: z.number().default(5),
  schedules: z.record(z.string(), schedule).optional(),
  redis: z.strictObject({ url: z.string() }).optional(),
  backoff: z.strictObject({ base: z.number() }).default({ base: 1 }),
  stages: z
    .array(z.strictObject({ name: z.string() }))
    .readonly()
    .optional(),
  store: z.union([z.literal("memory"), z.strictObject({ connection: z.string() })]).optional(),
});

function messageFor(value: unknown, schema: StandardSchemaV1 = options): string {
  try {
    validateOptions(schema, value, "plugin cron");
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionsError);
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

/** A schema of no vendor. */
function schemaOf<T>(
  validate: StandardSchemaV1.Props<unknown, T>["validate"],
): StandardSchemaV1<unknown, T> {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

describe("validateOptions", () => {
  it("returns the schema's output, defaults included", () => {
    expect(validateOptions(options, { schedules: { a: { cron: "* * * * *" } } }, "x")).toEqual({
      interval: 5,
      backoff: { base: 1 },
      schedules: { a: { cron: "* * * * *", timeZone: "UTC" } },
    });
  });

  it("says where, what was got and what would be right", () => {
    expect(messageFor({ interval: "5 bananas" })).toBe(
      'plugin cron: interval: expected number, received string, got "5 bananas"',
    );
  });

  it("names an option that is missing", () => {
    expect(messageFor({ redis: {} })).toBe(
      "plugin cron: redis.url: expected string, received undefined",
    );
  });

  it.each<[string, unknown, string]>([
    ["at the top", { inter: 1 }, 'plugin cron: unknown option "inter", did you mean "interval"?'],
    ["behind optional", { redis: { url: "x", ur: 1 } }, 'redis: unknown option "ur"'],
    [
      "behind default",
      { backoff: { base: 1, bse: 2 } },
      'backoff: unknown option "bse", did you mean "base"?',
    ],
    [
      "in a record",
      { schedules: { nightly: { cron: "x", timezone: "x" } } },
      'schedules.nightly: unknown option "timezone", did you mean "timeZone"?',
    ],
    [
      "in an array behind readonly",
      { stages: [{ name: "a", nmae: "b" }] },
      'stages[0]: unknown option "nmae", did you mean "name"?',
    ],
    [
      "in a union",
      { store: { connection: "x", conection: "y" } },
      'store: unknown option "conection", did you mean "connection"?',
    ],
    [
      "with nothing near",
      { bananas: 1 },
      'unknown option "bananas"; known: interval, schedules, redis, backoff, stages, store',
    ],
  ])("finds a misspelt option %s", (_, value, message) => {
    expect(messageFor(value)).toContain(message);
  });

  it("finds a misspelt option of zod/mini", () => {
    const schema = mini.strictObject({ interval: mini.optional(mini.number()) });
    expect(messageFor({ inter: 1 }, schema)).toContain('did you mean "interval"?');
  });

  it("says what each branch of a union would have taken", () => {
    expect(messageFor({ store: 7 })).toMatch(
      /^plugin cron: store: expected "memory", or expected object, received number, got 7$/,
    );
  });

  it("lists every issue, the first ten in full", () => {
    expect(messageFor({ interval: "x", inter: 1 })).toBe(
      [
        "plugin cron: 2 problems",
        '  - interval: expected number, received string, got "x"',
        '  - unknown option "inter", did you mean "interval"?',
      ].join("\n"),
    );
    const many = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, index) => [`key${index}`, 1]),
    );
    expect(messageFor(many).split("\n")).toHaveLength(12);
    expect(messageFor(many)).toContain("\n  - and 990 more");
  });

  it("says where a value came from", () => {
    const origin = (path: readonly (string | number)[]) =>
      ({ interval: "worker.yaml:3:5", inter: "OPPULENCE_WORKER__X" })[path.join(".")];
    const validate = () =>
      validateOptions(options, { interval: "x", inter: 1, redis: 3 }, "plugin cron", { origin });
    expect(validate).toThrow(
      'interval: expected number, received string, got "x" (from worker.yaml:3:5)',
    );
    expect(validate).toThrow('"inter", did you mean "interval"? (from OPPULENCE_WORKER__X)');
    expect(validate).toThrow(/redis: expected object, received number, got 3$/m);
  });

  it("hides the values of secrets", () => {
    const schema = z.strictObject({ secret: z.number() });
    expect(messageFor({ secret: "s3cr3t" }, schema)).toContain("got (string, hidden)");
  });

  it("throws an error with the issues as data", () => {
    let thrown: unknown;
    try {
      validateOptions(options, { stages: [{ name: 1 }] }, "plugin cron");
    } catch (error) {
      thrown = error;
    }
    expect(isInvalidOptionsError(thrown)).toBe(true);
    expect(thrown).toMatchObject({
      name: "InvalidOptionsError",
      code: "INVALID_OPTIONS",
      where: "plugin cron",
      issues: [{ path: "stages[0].name", message: "expected string, received number, got 1" }],
    });
  });

  it("refuses a schema that answers with a promise, and does not leave its rejection behind", () => {
    const rejecting = schemaOf(() => Promise.reject(new Error("late")));
    expect(() => validateOptions(rejecting, {}, "plugin cron")).toThrow(
      "plugin cron: the schema of the options answered with a promise; it must be synchronous",
    );
    const throwing = z.strictObject({
      a: z.string().refine(() => {
        throw new Error("bug");
      }),
    });
    expect(() => validateOptions(throwing, { a: "x" }, "plugin cron")).toThrow(
      /must be synchronous/,
    );
  });

  it("prints issues of any vendor", () => {
    const schema = schemaOf(() => ({
      issues: [
        { message: `must be a string (was ${"9".repeat(1_000)})`, path: [{ key: "to" }, 2] },
      ],
    }));
    expect(messageFor({ to: [1, 2, 3] }, schema)).toMatch(
      /^plugin cron: to\[2\]: must be a string \(was 9{400,500}…, got 3$/,
    );
  });

  it("survives a value that cannot be read", () => {
    const schema = schemaOf(() => ({ issues: [{ message: "is wrong", path: ["a", "b"] }] }));
    const value = {
      get a() {
        throw new Error("no");
      },
    };
    expect(messageFor(value, schema)).toBe("plugin cron: a.b: is wrong, got undefined");
  });

  it("ends on a schema that refers to itself", () => {
    interface Tree {
      readonly inner?: Tree | undefined;
    }
    const tree: z.ZodType<Tree> = z.lazy(() => z.strictObject({ inner: tree.optional() }));
    expect(messageFor({ inner: { inner: { iner: 1 } } }, tree)).toContain(
      'inner.inner: unknown option "iner", did you mean "inner"?',
    );
    const itself: z.ZodType = z.lazy(() => itself);
    expect(() => validateOptions(itself, {}, "x")).toThrow();
  });
});

describe("validatePayload", () => {
  const email = z.object({ to: z.email(), lines: z.array(z.string()).default([]) });

  it("answers a synchronous schema at once", () => {
    expect(validatePayload(email, { to: "a@b.io", extra: 1 })).toEqual({
      ok: true,
      value: { to: "a@b.io", lines: [] },
    });
  });

  it("answers with a promise only when the schema does", async () => {
    const checked = email.refine(async ({ to }) => to !== "a@b.io", "is taken");
    const result = validatePayload(checked, { to: "a@b.io" });
    expect(result).toBeInstanceOf(Promise);
    expect(await result).toMatchObject({ ok: false, issues: [{ path: "" }] });
    expect(await validatePayload(checked, { to: "b@b.io" })).toMatchObject({ ok: true });
  });

  it("names the path, what was got and what would be right", () => {
    const result = validatePayload(email, { to: "nobody", lines: ["a", "b", 3] });
    expect(result).toEqual({
      ok: false,
      issues: [
        { path: "to", message: 'Invalid email address, got "nobody"' },
        { path: "lines[2]", message: "expected string, received number, got 3" },
      ],
    });
    if (result instanceof Promise || result.ok) throw new Error("it passed");
    expect(formatIssues(result.issues)).toBe(
      'to: Invalid email address, got "nobody"; lines[2]: expected string, received number, got 3',
    );
  });

  it("keeps the message short for a huge payload", () => {
    const result = validatePayload(
      z.array(z.string()),
      Array.from({ length: 100_000 }, () => 1),
    );
    if (result instanceof Promise || result.ok) throw new Error("it passed");
    expect(formatIssues(result.issues)).toMatch(/and 99990 more$/);
    expect(formatIssues(result.issues).length).toBeLessThan(1_000);
  });

  it("takes __proto__ for a key like any other", () => {
    const payload: unknown = JSON.parse('{"to": 1, "__proto__": {"polluted": true}}');
    expect(validatePayload(email, payload)).toMatchObject({ ok: false });
    expect(validatePayload(z.strictObject({}), payload)).toMatchObject({ ok: false });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("lets a schema's own bug through", () => {
    const schema = schemaOf(() => {
      throw new RangeError("bug");
    });
    expect(() => validatePayload(schema, {})).toThrow(RangeError);
  });
});

describe("assertKnownKeys", () => {
  it("passes known keys", () => {
    expect(() => assertKnownKeys({ pool: 1 }, ["pool", "tasks"], "createWorker")).not.toThrow();
  });

  it("names each unknown key and the one probably meant", () => {
    const assert = () =>
      assertKnownKeys({ taks: 1, bananas: 2 }, ["pool", "tasks"], "createWorker");
    expect(assert).toThrow(InvalidOptionsError);
    expect(assert).toThrow('unknown option "taks", did you mean "tasks"?');
    expect(assert).toThrow('unknown option "bananas"; known: pool, tasks');
  });

  it.each([null, undefined, 5, ["pool"]])("refuses %j", (value) => {
    expect(() => assertKnownKeys(value, ["pool"], "createWorker")).toThrow(
      "createWorker: expected an object, got",
    );
  });
});
