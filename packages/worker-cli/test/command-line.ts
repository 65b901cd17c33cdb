import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { type RunCliOptions, runCli } from "../src/index.ts";

const BIN = fileURLToPath(new URL("../src/bin.ts", import.meta.url));

/** What a command line printed, and its exit code. */
export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A stream that keeps what is written to it; a terminal when it has columns. */
export class Recorder extends Writable {
  text = "";
  readonly isTTY: boolean;
  readonly columns: number | undefined;

  constructor(columns?: number) {
    super();
    this.columns = columns;
    this.isTTY = columns !== undefined;
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.text += chunk.toString();
    callback();
  }
}

/** Where an in-process command line runs. */
export interface InProcess extends Omit<RunCliOptions, "stdout" | "stderr"> {
  /** Columns of the terminal; pipes unless given. */
  readonly columns?: number;
}

/** Runs a command line in this process. */
export async function cli(
  argv: readonly string[],
  { columns, ...options }: InProcess = {},
): Promise<Result & { readonly code: number }> {
  const stdout = new Recorder(columns);
  const stderr = new Recorder(columns);
  const code = await runCli(argv, {
    env: {},
    stdin: Readable.from([]),
    ...options,
    stdout,
    stderr,
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** A process that runs the bin from its source. */
export interface Child {
  readonly process: ChildProcessByStdio<null, Readable, Readable>;
  /** What it has printed so far. */
  readonly printed: { stdout: string; stderr: string };
  /** Resolves once it has printed the text; rejects when it ends before. */
  waitFor(stream: "stdout" | "stderr", text: string): Promise<void>;
  /** Resolves once it has ended and its output is read. */
  readonly ended: Promise<Result & { readonly signal: NodeJS.Signals | null }>;
}

/** Starts the bin. It is killed after the test if it still runs. */
export function start(
  argv: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Child {
  const child = spawn(process.execPath, ["--conditions=@oppulence/source", BIN, ...argv], {
    cwd,
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      printed[name] += text;
    });
  }
  const ended = once(child, "close").then(([code, signal]) => ({ ...printed, code, signal }));
  return {
    process: child,
    printed,
    ended,
    async waitFor(stream, text) {
      const seen = new Promise<void>((resolve) => {
        const look = () => {
          if (printed[stream].includes(text)) resolve();
        };
        child[stream].on("data", look);
        look();
      });
      const gone = ended.then(({ stdout, stderr }) => {
        throw new Error(`ended without printing ${JSON.stringify(text)}:\n${stdout}\n${stderr}`);
      });
      gone.catch(() => {});
      await Promise.race([seen, gone]);
    },
  };
}

/** Runs the bin to its end. */
export function bin(
  argv: readonly string[],
  where: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Child["ended"] {
  return start(argv, where).ended;
}
