import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { CHILD_ENV, type ChildMessage, type ChildOrder, MESSAGE_FD } from "./child/protocol.ts";

/** How a child ended. */
export interface ChildExit {
  /** The exit code; null when a signal ended it. */
  readonly code: number | null;
  /** The signal that ended it; null when it ended by itself. */
  readonly signal: NodeJS.Signals | null;
}

/** A child and what it tells. */
export interface Child {
  readonly process: ChildProcess;
  /** What it wrote to standard error and output, the last 64 KB of each. */
  readonly output: () => string;
  /** Settles once it has ended and everything that it told has been read. */
  readonly exited: Promise<ChildExit>;
}

const MAX_OUTPUT = 64 * 1024;
/** Where Node itself keeps compiled code by default. A child starts in a third of the time with it. */
const COMPILE_CACHE = join(tmpdir(), "node-compile-cache");
const ENTRY = "@oppulence/worker-testing/worker-child";

/**
 * Starts a child with an order.
 *
 * @param onMessage - called for each message, in order
 */
export function startChild(
  order: ChildOrder,
  env: NodeJS.ProcessEnv,
  onMessage: (message: ChildMessage) => void,
): Child {
  // By its name: in this folder's sources it has another place than in the built package.
  const entry = createRequire(import.meta.url).resolve(ENTRY);
  const child = fork(entry, [], {
    execArgv: conditions(process.execArgv),
    env: {
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      ...withoutVitest(process.env),
      ...env,
      [CHILD_ENV]: JSON.stringify(order),
    },
    stdio: ["ignore", "pipe", "pipe", "ipc", "pipe"],
  });
  const messages = createInterface({ input: child.stdio[MESSAGE_FD] as Readable });
  messages.on("line", (line) => onMessage(JSON.parse(line) as ChildMessage));
  const read = new Promise<void>((resolve) => messages.once("close", resolve));
  const outputs = [child.stderr, child.stdout].map((stream) => collect(stream as Readable));
  const ended = new Promise<ChildExit>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  return {
    process: child,
    output: () => outputs.map((output) => output()).join(""),
    exited: Promise.all([ended, read]).then(([exit]) => exit),
  };
}

/** The conditions by which this process resolves packages: the child has to find the same files. */
export function conditions(execArgv: readonly string[]): string[] {
  return execArgv.flatMap((argument, index) => {
    if (/^(?:--conditions=|-C.)/.test(argument)) return [argument];
    const isFlag = argument === "--conditions" || argument === "-C";
    return isFlag ? [`--conditions=${execArgv[index + 1]}`] : [];
  });
}

/** A child of a test is not itself a test run. */
function withoutVitest(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("VITEST")));
}

function collect(stream: Readable): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text = (text + chunk).slice(-MAX_OUTPUT);
  });
  return () => text;
}
