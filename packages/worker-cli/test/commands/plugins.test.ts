import { describe, expect, it } from "vitest";
import { cli } from "../command-line.ts";
import { migrated } from "../database.ts";
import { config, plugin } from "../sample-config.ts";

const NOWHERE = "postgres://worker:secret@127.0.0.1:1/none";

const early = plugin("early", {
  beforeRun: { phase: "consume", onError: "closed", run: () => undefined },
  health: () => ({ status: "ok", detail: "all is well" }),
});
const late = plugin("late", {
  beforeRun: { phase: "gate", onError: "open", run: () => undefined },
  afterRun: { run: () => {} },
});

describe("plugins", () => {
  it("lists order, phases, policy and health", async () => {
    const { url } = await migrated();
    const { code, stdout, stderr } = await cli(["plugins"], { config: config(url, early, late) });
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /early +yes +- +2\. consume \(closed\) +- +- +not-covered +ok +all is well\n/,
    );
    expect(stdout).toContain("beforeRun: gate: late; consume: early\nafterRun: late\n");
    expect(stdout).toContain("database: ok\n");
  });

  it("prints JSON", async () => {
    const { url } = await migrated();
    const { stdout } = await cli(["plugins", "--json"], { config: config(url, early, late) });
    expect(JSON.parse(stdout)).toMatchObject({
      plugins: [
        {
          name: "early",
          enabled: true,
          producers: "not-covered",
          hooks: { beforeRun: { position: 2, phase: "consume", onError: "closed" } },
          health: { status: "ok" },
        },
        {
          name: "late",
          hooks: { beforeRun: { position: 1 }, afterRun: { position: 1, phase: null } },
        },
      ],
      status: "ok",
    });
  });

  it("exits with 1 when one is down", async () => {
    const { url } = await migrated();
    const down = plugin("down", { health: () => ({ status: "down", detail: "no Redis" }) });
    const { code, stdout } = await cli(["plugins"], { config: config(url, down) });
    expect(code).toBe(1);
    expect(stdout).toMatch(/down +no Redis/);
  });

  it("tells a plugin that cannot start", async () => {
    const { url } = await migrated();
    const broken = plugin("broken", { start: () => Promise.reject(new Error("no socket")) });
    const { code, stderr } = await cli(["plugins"], { config: config(url, broken) });
    expect(code).toBe(1);
    expect(stderr).toContain("not started: no socket");
  });

  it("lists without health when the database does not answer", async () => {
    const { code, stdout, stderr } = await cli(["plugins"], { config: config(NOWHERE, early) });
    expect(code).toBe(1);
    expect(stdout).toMatch(/early +yes/);
    expect(stdout).not.toContain("HEALTH");
    expect(stderr).toContain("health is left out");
  });

  it("does not connect with --offline", async () => {
    for (const url of [NOWHERE, undefined]) {
      const { code, stdout, stderr } = await cli(["plugins", "--offline"], {
        config: config(url, early),
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).not.toContain("HEALTH");
    }
  });

  it("says that there are none", async () => {
    const { stdout } = await cli(["plugins", "--offline"], { config: config(undefined) });
    expect(stdout).toBe("no plugins are installed\n");
  });
});
