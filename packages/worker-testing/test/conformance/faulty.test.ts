import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runConformance } from "../../src/conformance.ts";
import type { Faulty } from "./faulty/faulty.ts";

const folder = new URL("./faulty/", import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith(".ts") && file !== "faulty.ts");

describe("runConformance on plugins with one fault each", () => {
  it.for(files)(
    "finds the fault of %s, and says what is wrong",
    { timeout: 120_000 },
    async (file) => {
      const faulty = (await import(new URL(file, folder).href)) as Faulty;
      const results = await runConformance(faulty.plugin, faulty.fixtures, {
        only: (name) => faulty.only.test(name),
        cells: 1,
        atOnce: 3,
      });
      const failed = results.filter(({ passed }) => !passed);
      for (const { name, message } of failed) {
        const expected = faulty.expected.find(({ check }) => check.test(name));
        expect(expected, `${name}: ${message}`).toBeDefined();
        expect(message).toMatch(expected?.message as RegExp);
      }
      for (const { check } of faulty.expected)
        expect(failed.some(({ name }) => check.test(name))).toBe(true);
    },
  );
});
