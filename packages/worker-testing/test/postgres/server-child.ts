import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";

export interface ServerChild {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly url: string;
  readonly serverPid: number;
}

export const serverPidIn = (folder: string): number =>
  Number.parseInt(readFileSync(`${folder}/data/postmaster.pid`, "utf8"), 10);

/** Another process that has started a server. */
export const startInChild = async (): Promise<ServerChild> => {
  const script = new URL("./fixtures/start-and-wait.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  for await (const line of createInterface({ input: child.stdout })) {
    const { folder, url } = JSON.parse(line);
    return { child, folder, url, serverPid: serverPidIn(folder) };
  }
  throw new Error("the child ended before its server was up");
};

/** The shell that would clean up after the child. */
export const watchdogOf = ({ child, folder }: ServerChild): number => {
  const lines = execFileSync("ps", ["-ww", "-eo", "pid=,ppid=,args="], { encoding: "utf8" });
  for (const line of lines.split("\n")) {
    const [, pid, ppid, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)/.exec(line) ?? [];
    if (Number(ppid) === child.pid && command === "/bin/sh") return Number(pid);
  }
  throw new Error(`no watchdog for ${folder}`);
};
