import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openIo } from "../../src/io/command-io.ts";
import { Output } from "../../src/io/output.ts";
import { Recorder } from "../command-line.ts";

function open(columns: number | undefined, json = false) {
  const stdout = new Recorder(columns);
  const stderr = new Recorder(columns);
  const opened = openIo({
    stdout: new Output(stdout),
    stderr: new Output(stderr),
    stdin: Readable.from([]),
    env: {},
    json,
    yes: false,
    verbose: false,
    color: false,
    signal: new AbortController().signal,
    secrets: [],
  });
  return { ...opened, stdout, stderr };
}

describe("progress", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("appears after a second and is gone when the work is done", () => {
    const { io, stderr, stdout } = open(80);
    const bar = io.progress("moving jobs", 10);
    bar.update(3);
    vi.advanceTimersByTime(990);
    expect(stderr.text).toBe("");
    vi.advanceTimersByTime(20);
    expect(stderr.text).toMatch(/moving jobs .+ 3\/10/);
    bar.update(7);
    vi.advanceTimersByTime(200);
    expect(stderr.text).toContain("7/10");
    bar.done();
    const shown = stderr.text;
    vi.advanceTimersByTime(5_000);
    expect(stderr.text).toBe(shown);
    expect(stdout.text).toBe("");
  });

  it("counts where the total is not known", () => {
    const { io, stderr, close } = open(80);
    const bar = io.progress("finding {jobs}");
    vi.advanceTimersByTime(1_100);
    bar.update(42);
    vi.advanceTimersByTime(200);
    expect(stderr.text).toContain("finding (jobs) 42");
    close();
  });

  it("stays away from work that is done sooner", () => {
    const { io, stderr } = open(80);
    const bar = io.progress("quick", 1);
    vi.advanceTimersByTime(900);
    bar.done();
    vi.advanceTimersByTime(5_000);
    expect(stderr.text).toBe("");
  });

  it.each([
    ["on a pipe", undefined, false],
    ["with --json", 80, true],
  ] as const)("is silent %s", (_, columns, json) => {
    const { io, stderr, stdout } = open(columns, json);
    const bar = io.progress("working", 10);
    vi.advanceTimersByTime(5_000);
    bar.update(5);
    vi.advanceTimersByTime(5_000);
    bar.done();
    expect(stderr.text + stdout.text).toBe("");
  });

  it("makes room for lines, and comes back", () => {
    const { io, stderr, stdout, close } = open(80);
    const bar = io.progress("moving", 10);
    vi.advanceTimersByTime(1_100);
    io.line("a line");
    expect(stdout.text).toBe("a line\n");
    const cleared = stderr.text.length;
    bar.update(5);
    vi.advanceTimersByTime(200);
    expect(stderr.text.slice(cleared)).toContain("5/10");
    close();
  });

  it("is taken away with its command when that forgets to", () => {
    const { io, stderr, close } = open(80);
    io.progress("forgotten", 10);
    vi.advanceTimersByTime(1_100);
    close();
    const shown = stderr.text;
    vi.advanceTimersByTime(5_000);
    expect(stderr.text).toBe(shown);
  });
});
