import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { CaseInput, Measurement } from "../bench.ts";

/** What a child is told to do. */
export interface ChildTask extends Omit<CaseInput, "measured"> {
  readonly bench: string;
  /** The case's name. */
  readonly name: string;
  /** A file to write a CPU profile of the measured part to. */
  readonly profile?: string | undefined;
}

/** What a child answers. */
export type ChildAnswer = { readonly measurement: Measurement } | { readonly error: string };

const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const TIMEOUT_MS = 10 * 60_000;

/**
 * Measures a case once, in a fresh process: no case runs on another's heap or compiled code.
 *
 * The child resolves the packages of this repo as their users do, to their built `dist`: it is not given
 * the condition that leads to the sources.
 */
export function measure(task: ChildTask): Promise<Measurement> {
  const child = fork(CHILD, [JSON.stringify(task)], {
    execArgv: ["--expose-gc", "--disable-warning=ExperimentalWarning"],
    env: { ...process.env, NODE_ENV: "production", NODE_OPTIONS: "", NO_LOG_SUCCESS: "1" },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  return new Promise<Measurement>((resolve, reject) => {
    const where = `${task.bench}, case ${task.name}`;
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`${where}: not done after ${TIMEOUT_MS / 60_000} minutes`));
    }, TIMEOUT_MS);
    let answer: ChildAnswer | undefined;
    child.on("message", (message) => {
      answer = message as ChildAnswer;
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      if (answer === undefined) {
        reject(new Error(`${where}: its process ended with ${signal ?? `code ${code}`}`));
      } else if ("error" in answer) {
        reject(new Error(`${where}: ${answer.error}`));
      } else {
        resolve(answer.measurement);
      }
    });
  });
}
