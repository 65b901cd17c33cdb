import { describe, expect, it } from "vitest";
import * as z from "zod";
import { checkOverlayNames, overlayFor, overlayForWorker } from "../../src/overlay/apply.ts";
import { loadOverlay } from "../../src/overlay/load.ts";
import { schemaKeys } from "../../src/schema-keys.ts";
import { validateOptions } from "../../src/validate.ts";
import { overlayOf } from "./overlay-file.ts";

const P = "OPPULENCE_WORKER__PLUGINS__";

describe("overlayFor", () => {
  it("hands back the very options when the overlay has none for the plugin", async () => {
    const overlay = await overlayOf("plugins:\n  dlq:\n    x: 1\n");
    const options = Object.freeze({ a: 1 });
    expect(overlayFor(overlay, "cron", options)).toEqual({ enabled: true, options: { a: 1 } });
    expect(overlayFor(overlay, "cron", options).options).toBe(options);
    expect(overlayFor(overlay, "cron", undefined).options).toBeUndefined();
  });

  it("merges the file, then the variables, the longer path last", async () => {
    const overlay = await overlayOf(
      "plugins:\n  cron:\n    enabled: false\n    schedules:\n      nightly-report: { cron: '0 3 * * *' }\n",
      {
        [`${P}CRON__ENABLED`]: "true",
        [`${P}CRON__SCHEDULES__NIGHTLY_REPORT__TIME_ZONE`]: "UTC",
        [`${P}CRON__SCHEDULES`]: "{nightly-report: {timeZone: CET, overlap: skip}}",
      },
    );
    const schedules = { "nightly-report": { cron: "0 1 * * *", timeZone: "PST" }, hourly: {} };
    expect(overlayFor(overlay, "cron", { schedules })).toEqual({
      enabled: true,
      options: {
        schedules: {
          "nightly-report": { cron: "0 3 * * *", timeZone: "UTC", overlap: "skip" },
          hourly: {},
        },
      },
    });
    expect(schedules["nightly-report"].timeZone).toBe("PST");
  });

  it("matches a variable's segments to what is set, in the file or in code, without case, - and _", async () => {
    const env = {
      OPPULENCE_WORKER__plugins__Rate_Limit__max_per_second: "5",
      [`${P}RATELIMIT__TENANTS__ACME_CORP__LIMIT`]: "7",
    };
    const overlay = await overlayOf(
      "plugins:\n  rate-limit:\n    tenants: { acme-corp: {} }\n",
      env,
    );
    expect(overlayFor(overlay, "rate-limit", { maxPerSecond: 1 })).toEqual({
      enabled: true,
      options: { maxPerSecond: 5, tenants: { "acme-corp": { limit: 7 } } },
    });
  });

  it("matches to what the schema knows where nothing is set", async () => {
    const schema = z.strictObject({
      maxRPS: z.number(),
      redis: z.strictObject({ tlsCA: z.string() }).optional(),
    });
    const env = { [`${P}LIMIT__MAX_RPS`]: "5", [`${P}LIMIT__REDIS__TLS_CA`]: "pem" };
    const overlay = await loadOverlay({ env });
    const known = (path: readonly string[]) => schemaKeys(schema, path);
    expect(overlayFor(overlay, "limit", {}, known).options).toEqual({
      maxRPS: 5,
      redis: { tlsCA: "pem" },
    });
    expect(overlayFor(overlay, "limit", {}, ["maxRPS"]).options).toMatchObject({ maxRPS: 5 });
  });

  it("spells an option that nothing knows as options are spelt", async () => {
    const overlay = await loadOverlay({
      env: { [`${P}X__MAX_ATTEMPTS`]: "1", [`${P}X__fooBar`]: "2" },
    });
    expect(overlayFor(overlay, "x", undefined).options).toEqual({ maxAttempts: 1, fooBar: 2 });
  });

  it("names both keys that a segment can mean", async () => {
    const overlay = await loadOverlay({ env: { [`${P}CRON__A_B`]: "1" } });
    expect(() => overlayFor(overlay, "cron", { "a-b": 1, aB: 2 })).toThrow(
      `plugins.cron: "A_B" can mean "a-b" or "aB"; set it in the file (from ${P}CRON__A_B)`,
    );
    expect(overlayFor(overlay, "cron", { A_B: 0, aB: 2 }).options).toEqual({ A_B: 1, aB: 2 });
  });

  it("does not reach into a list", async () => {
    const overlay = await loadOverlay({ env: { [`${P}CRON__STAGES__0__NAME`]: "x" } });
    expect(() => overlayFor(overlay, "cron", { stages: [{ name: "a" }] })).toThrow(
      `plugins.cron.stages: is a list, which is replaced as a whole: set it to ["a", …] (from ${P}CRON__STAGES__0__NAME)`,
    );
  });

  it("never lets a variable reach a prototype", async () => {
    const overlay = await loadOverlay({ env: { [`${P}CRON__PROTO__ADMIN`]: "true" } });
    const options: unknown = JSON.parse('{"__proto__": {}}');
    const { options: merged } = overlayFor(overlay, "cron", options);
    expect(merged).toMatchObject({ proto: { admin: true } });
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it("says what in the code an object cannot be merged into", async () => {
    class RedisStore {}
    const overlay = await overlayOf("plugins:\n  limit:\n    store:\n      url: x\n");
    expect(() => overlayFor(overlay, "limit", { store: new RedisStore() })).toThrow(
      "plugins.limit.store: is a RedisStore, set in code: an object cannot be merged into it (from worker.yaml:3:5)",
    );
    expect(() => overlayFor(overlay, "limit", { store: () => 1 })).toThrow(
      /is the function store, set in code/,
    );
  });

  it("lets a variable remove what the file sets, and set what the file removes", async () => {
    const overlay = await overlayOf("plugins:\n  cron: { a: 1, b: null }\n", {
      [`${P}CRON__A`]: "null",
      [`${P}CRON__B__C`]: "2",
    });
    expect(overlayFor(overlay, "cron", { a: 0, b: { d: 1 } }).options).toEqual({ b: { c: 2 } });
  });
});

describe("overlayForWorker", () => {
  it("merges the section worker", async () => {
    const overlay = await overlayOf("worker:\n  concurrentJobs: 5\n", {
      OPPULENCE_WORKER__WORKER__POLL_INTERVAL: "500",
    });
    const known = ["concurrentJobs", "pollInterval"];
    const logger = { scope() {} };
    expect(overlayForWorker(overlay, { concurrentJobs: 1, logger }, known)).toEqual({
      concurrentJobs: 5,
      pollInterval: 500,
      logger,
    });
  });

  it("hands back the very options when the overlay has none", async () => {
    const options = {};
    expect(overlayForWorker(await overlayOf(""), options)).toBe(options);
  });
});

describe("checkOverlayNames", () => {
  it("names a plugin that is not installed, where it is named, and the one probably meant", async () => {
    const overlay = await overlayOf("plugins:\n  corn:\n    enabled: false\n", {
      [`${P}DLG__X`]: "1",
      OPPULENCE_WORKER__PLUGINS: "{bananas: {}}",
    });
    const check = () => checkOverlayNames(overlay, ["cron", "dlq"]);
    expect(check).toThrow(
      'plugins.corn: no plugin "corn" is installed, did you mean "cron"? (from worker.yaml:2:3)',
    );
    expect(check).toThrow(
      `plugins.DLG: no plugin "DLG" is installed, did you mean "dlq"? (from ${P}DLG__X)`,
    );
    expect(check).toThrow(
      'no plugin "bananas" is installed; installed: cron, dlq (from OPPULENCE_WORKER__PLUGINS)',
    );
    expect(check).toThrow(expect.objectContaining({ code: "INVALID_OVERLAY" }));
  });

  it("passes plugins that are installed", async () => {
    const overlay = await overlayOf("plugins:\n  cron:\n", { [`${P}ACME_AUDIT__X`]: "1" });
    expect(() => checkOverlayNames(overlay, ["cron", "@acme/audit"])).not.toThrow();
    expect(() => checkOverlayNames(overlay, [])).toThrow("installed: none");
  });
});

describe("origin", () => {
  it("finds lines, columns and variables", async () => {
    const overlay = await overlayOf(
      "plugins:\n  cron:\n    a: 1\n    list:\n      - x\n      - { b: 2 }\n",
      {
        [`${P}CRON__A`]: "2",
        [`${P}CRON__OBJECT`]: "{deep: {er: 1}}",
      },
    );
    const origins = [
      ["plugins", "cron", "a"],
      ["plugins", "cron", "list", 1],
      ["plugins", "cron", "list", 1, "b"],
      ["plugins", "cron", "object", "deep", "er"],
      ["plugins", "cron", "object", "deep", "other"],
      ["plugins", "cron", "list", 2],
      ["plugins", "cron", "list", 0, "x"],
      ["plugins", "dlq"],
    ].map((path) => overlay.origin(path));
    expect(origins).toEqual([
      `${P}CRON__A`,
      "worker.yaml:6:9",
      "worker.yaml:6:11",
      `${P}CRON__OBJECT`,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("gets into the message of the plugin's own schema", async () => {
    const schema = z.strictObject({ interval: z.number(), name: z.string() });
    const overlay = await overlayOf("plugins:\n  cron:\n    interval: ten\n    nmae: x\n");
    const { options } = overlayFor(overlay, "cron", { name: 5 });
    const origin = (path: readonly (string | number)[]) =>
      overlay.origin(["plugins", "cron", ...path]);
    const validate = () => validateOptions(schema, options, "plugin cron", { origin });
    expect(validate).toThrow(
      'interval: expected number, received string, got "ten" (from worker.yaml:3:5)',
    );
    expect(validate).toThrow('unknown option "nmae", did you mean "name"? (from worker.yaml:4:5)');
    expect(validate).toThrow(/name: expected string, received number, got 5$/m);
  });
});
