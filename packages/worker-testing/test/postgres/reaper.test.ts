import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { reapStaleServers, startPostgres } from "../../src/postgres/index.ts";
import { writeOwner } from "../../src/postgres/owner.ts";
import { isAlive, processSpace, startTimeOf } from "../../src/postgres/process-identity.ts";
import { startInChild, watchdogOf } from "./server-child.ts";

const waiting = { timeout: 10_000, interval: 10 };

const answers = async (url: string): Promise<boolean> => {
  const client = new pg.Client(url);
  await client.connect();
  const { rowCount } = await client.query("select 1");
  await client.end();
  return rowCount === 1;
};

describe("a server whose owner is killed", () => {
  it("goes with its owner", async () => {
    const owner = await startInChild();
    owner.child.kill("SIGKILL");
    await vi.waitUntil(() => !isAlive(owner.serverPid) && !existsSync(owner.folder), waiting);
  });

  it("is ended by the next start if its watchdog was killed too; a live run's is not", async () => {
    const [killed, live] = await Promise.all([startInChild(), startInChild()]);
    process.kill(watchdogOf(killed), "SIGKILL");
    killed.child.kill("SIGKILL");
    await vi.waitUntil(() => !isAlive(killed.child.pid ?? 0), waiting);
    expect(isAlive(killed.serverPid)).toBe(true);

    const next = await startPostgres({ url: false });
    onTestFinished(() => next.stop());

    expect(isAlive(killed.serverPid)).toBe(false);
    expect(existsSync(killed.folder)).toBe(false);
    expect(await answers(live.url)).toBe(true);
    expect(await answers(next.url())).toBe(true);
  });
});

describe("reapStaleServers", () => {
  let parent: string;
  const gone = { pid: process.pid, startTime: "another process's", space: processSpace() };

  const runFolder = (name: string, owner?: object): string => {
    const folder = join(parent, `oppulence-postgres-${name}`);
    mkdirSync(join(folder, "data"), { recursive: true });
    if (owner) writeFileSync(join(folder, "owner.json"), JSON.stringify(owner));
    return folder;
  };

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "reaper-"));
    return () => rmSync(parent, { recursive: true });
  });

  it("removes a folder whose owner's pid now belongs to another process", async () => {
    const folder = runFolder("reused", gone);
    expect(await reapStaleServers(parent)).toContain(folder);
    expect(existsSync(folder)).toBe(false);
  });

  it("leaves the folder of a live owner", async () => {
    const folder = runFolder("live");
    writeOwner(folder);
    expect(startTimeOf(process.pid)).toBeDefined();
    expect(await reapStaleServers(parent)).not.toContain(folder);
    expect(existsSync(folder)).toBe(true);
  });

  it("leaves what was made where pids mean something else", async () => {
    const folder = runFolder("container", { ...gone, space: "another container" });
    expect(await reapStaleServers(parent)).not.toContain(folder);
  });

  it("leaves a folder that is just being made, and removes one whose maker died", async () => {
    const fresh = runFolder("fresh");
    const old = runFolder("old");
    utimesSync(old, 0, 0);
    expect(await reapStaleServers(parent)).toEqual(expect.not.arrayContaining([fresh]));
    expect([existsSync(fresh), existsSync(old)]).toEqual([true, false]);
  });

  it("leaves other folders and files", async () => {
    mkdirSync(join(parent, "somebody-elses"));
    writeFileSync(join(parent, "oppulence-postgres-file"), "");
    await reapStaleServers(parent);
    expect(existsSync(join(parent, "somebody-elses"))).toBe(true);
    expect(existsSync(join(parent, "oppulence-postgres-file"))).toBe(true);
  });

  it("does not end a process that has come by the pid of a server", async () => {
    const folder = runFolder("pid", gone);
    const bystander = spawn("sleep", ["60"]);
    onTestFinished(() => void bystander.kill());
    writeFileSync(join(folder, "data/postmaster.pid"), `${bystander.pid}\n${folder}/data\n`);
    expect(await reapStaleServers(parent)).toContain(folder);
    expect(bystander.pid && isAlive(bystander.pid)).toBe(true);
  });

  it("may run many times at once", async () => {
    const folders = Array.from({ length: 5 }, (_, index) => runFolder(`many${index}`, gone));
    await Promise.all(Array.from({ length: 5 }, () => reapStaleServers(parent)));
    expect(folders.filter((folder) => existsSync(folder))).toEqual([]);
  });
});
