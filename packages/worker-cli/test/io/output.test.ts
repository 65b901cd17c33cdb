import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { runCli } from "../../src/index.ts";
import { Output } from "../../src/io/output.ts";
import { cli } from "../command-line.ts";
import { config } from "../sample-config.ts";

/** A stream whose writes fail. */
const failing = (code: string) =>
  new Writable({
    write: (_chunk, _encoding, callback) => callback(Object.assign(new Error(code), { code })),
  });

describe("Output", () => {
  it("drops what follows once the reader has gone away, and says so once", async () => {
    let told = 0;
    const output = new Output(failing("EPIPE"), () => {
      told++;
    });
    output.write("a");
    expect(await output.flush()).toBeUndefined();
    output.write("b");
    expect(await output.flush()).toBeUndefined();
    expect(told).toBe(1);
  });

  it("tells any other failure", async () => {
    const output = new Output(failing("ENOSPC"));
    output.write("a");
    await output.flush();
    expect((await output.flush())?.message).toBe("ENOSPC");
  });

  it("waits for a slow reader", async () => {
    let read = "";
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk, _encoding, callback) {
        setImmediate(() => {
          read += chunk;
          callback();
        });
      },
    });
    const output = new Output(slow);
    for (let n = 0; n < 100; n++) output.write(`${n}\n`);
    await output.flush();
    expect(read.split("\n")).toHaveLength(101);
  });

  it("leaves no listener on a stream that lives on", async () => {
    const stream = new Writable({ write: (_chunk, _encoding, callback) => callback() });
    const before = stream.listenerCount("error");
    const output = new Output(stream);
    await output.flush();
    output.release();
    expect(stream.listenerCount("error")).toBe(before);
    expect(stream.listenerCount("close")).toBe(0);
  });
});

describe("a full disk", () => {
  it("makes a command fail that did all else", async () => {
    const options = { config: config(undefined), env: {} };
    const stdout = failing("ENOSPC");
    const stderr = new Writable({ write: (_chunk, _encoding, callback) => callback() });
    expect(await runCli(["check"], { ...options, stdout, stderr })).toBe(1);
    expect(await cli(["check"], options)).toMatchObject({ code: 0 });
  });
});
