import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkLabels, defineTask, fromFlags, type Labels, toFlags } from "../src/index.ts";
import { testWorker } from "./support/worker.ts";

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/);
const value = fc
  .string({ unit: "grapheme", maxLength: 40 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are not allowed
  .filter((text) => text.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(text));
const labels = fc.dictionary(name, value, { maxKeys: 8, noNullPrototype: false });

const rowFlags = (flags: readonly string[] | undefined) =>
  flags === undefined ? null : Object.fromEntries(flags.map((flag) => [flag, true as const]));

describe("labels", () => {
  it("become flags and come back", () => {
    fc.assert(
      fc.property(labels, (given) => {
        expect(checkLabels(given)).toBeUndefined();
        expect({ ...fromFlags(rowFlags(toFlags(given, undefined))) }).toEqual({ ...given });
      }),
    );
  });

  it("go through the database unchanged, beside plain flags", async () => {
    const task = defineTask({ identifier: "t", run: () => {} });
    const { worker, jobs } = await testWorker({ tasks: [task] });
    const samples: Labels[] = fc.sample(labels, 200);
    await worker.addJobs(
      samples.map((given, n) => ({ task, payload: n, labels: given, flags: ["plain", "=", "a"] })),
    );
    const rows = await jobs();
    expect(rows).toHaveLength(samples.length);
    for (const { payload, flags } of rows) {
      expect({ ...fromFlags(flags as never) }).toEqual({ ...samples[payload as number] });
      expect(flags).toMatchObject({ plain: true, "=": true, a: true });
    }
  });

  it("are the flags that have a label's form, and no others", () => {
    const flags = rowFlags(["tenant=acme", "empty=", "eq=a=b", "plain", "=x", "9=x", "a b=c"]);
    expect({ ...fromFlags(flags) }).toEqual({ tenant: "acme", empty: "", eq: "a=b" });
    expect({ ...fromFlags(null) }).toEqual({});
    expect({ ...fromFlags(undefined) }).toEqual({});
    expect(Object.getPrototypeOf(fromFlags(flags))).toBeNull();
  });

  it("cost no flags where there are none", () => {
    expect(toFlags({}, undefined)).toBeUndefined();
    expect(toFlags({}, [])).toBeUndefined();
    expect(toFlags({ a: "1" }, ["b"])).toEqual(["b", "a=1"]);
    const flags = Object.freeze(["b"]);
    expect(toFlags({}, flags)).toEqual(["b"]);
  });
});
