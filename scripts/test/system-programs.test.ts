import { describe, expect, it } from "vitest";
import { provide } from "../system-programs.ts";

const program = { name: "redis", command: "redis-server", apt: "redis" };

/** A machine whose apt brings the given programs. */
const machine = (
  canInstall: boolean,
  apt: readonly string[] = [],
  present: readonly string[] = [],
) => {
  const there = new Set(present);
  const installed: string[] = [];
  return {
    installed,
    has: (command: string) => there.has(command),
    canInstall,
    install: (names: readonly string[]) => {
      installed.push(...names);
      for (const command of apt) there.add(command);
      return true;
    },
  };
};

describe("provide", () => {
  it("leaves a machine alone that has the program", () => {
    const here = machine(true, [], ["redis-server"]);
    expect(provide([program], here)).toEqual([]);
    expect(here.installed).toEqual([]);
  });

  it("installs a missing program with apt as root on Debian", () => {
    const here = machine(true, ["redis-server"]);
    expect(provide([program], here)).toEqual([]);
    expect(here.installed).toEqual(["redis"]);
  });

  it("says what is missing, and why, where it may not install", () => {
    const here = machine(false, ["redis-server"]);
    expect(provide([program], here)).toEqual([
      { program, reason: expect.stringContaining("apt-get install redis") },
    ]);
    expect(here.installed).toEqual([]);
  });

  it("says what is missing when apt does not bring it", () => {
    const missing = provide([program], machine(true));
    expect(missing).toEqual([{ program, reason: expect.stringContaining("did not bring") }]);
  });
});
